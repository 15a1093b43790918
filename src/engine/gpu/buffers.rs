//! Device memory: kept between runs and grown when a run needs more.

use super::device::Device;
use crate::engine::EngineError;
use wgpu::{Buffer, BufferUsages, ErrorFilter};

/// Why a run stopped.
#[derive(Debug)]
pub enum Fault {
    /// A buffer was refused: fewer lanes at a time may do.
    Memory,
    Engine(EngineError),
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        Fault::Engine(error)
    }
}

/// The buffers of `shaders/shared/bindings.wgsl`, the lists of `compact.wgsl`, those of `reduce.wgsl`, and one to read
/// back through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Control,
    Tables,
    Numbers,
    Rows,
    Inputs,
    Reals,
    Words,
    Results,
    Lists,
    Settings,
    Scheme,
    Places,
    Figures,
    Slots,
    Failed,
    Scores,
    Staging,
}

const ROLES: usize = Role::Staging as usize + 1;

#[derive(Default)]
pub struct Pool {
    buffers: [Option<Buffer>; ROLES],
}

impl Pool {
    /// Makes sure that each buffer has the size asked for, in bytes.
    pub fn reserve(&mut self, device: &Device, sizes: &[(Role, u64)]) -> Result<(), Fault> {
        let scope = device.device.push_error_scope(ErrorFilter::OutOfMemory);
        for &(role, size) in sizes {
            let slot = &mut self.buffers[role as usize];
            if slot.as_ref().is_some_and(|buffer| buffer.size() >= size) {
                continue;
            }
            if let Some(old) = slot.take() {
                old.destroy();
            }
            let usage = match role {
                Role::Control | Role::Scheme | Role::Settings => BufferUsages::UNIFORM | BufferUsages::COPY_DST,
                Role::Staging => BufferUsages::MAP_READ | BufferUsages::COPY_DST,
                _ => BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC,
            };
            // A little more than asked for, so that batches that grow slowly do not allocate each time.
            let most = if role == Role::Staging { device.limits.max_buffer_size } else { largest(device) };
            let size = (size + size / 4).next_multiple_of(256).min(most & !255).max(size);
            *slot = Some(device.device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            }));
        }
        match pollster::block_on(scope.pop()) {
            None => Ok(()),
            Some(_) => {
                *self = Pool::default();
                Err(Fault::Memory)
            }
        }
    }

    /// A buffer that was reserved.
    pub fn get(&self, role: Role) -> &Buffer {
        self.buffers[role as usize].as_ref().expect("reserved before use")
    }
}

/// The largest buffer that a kernel can see whole.
pub fn largest(device: &Device) -> u64 {
    device.limits.max_storage_buffer_binding_size.min(device.limits.max_buffer_size)
}
