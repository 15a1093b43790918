//! Adapters: which there are, which one to take, and opening one.

use crate::engine::{EngineError, Precision};
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{Adapter, Backends, DeviceType, Features, Instance, InstanceDescriptor, Limits};

/// An adapter as it is listed for users.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceInfo {
    pub name: String,
    /// "discrete", "integrated", "virtual", "software" or "other".
    pub kind: &'static str,
    /// "Vulkan", "Metal", "Dx12", ...
    pub backend: String,
    pub driver: String,
    /// Computes on the CPU: never taken unless it is named.
    pub software: bool,
    /// Whether it can run in f64.
    pub f64: bool,
    /// The largest array that a kernel can see, in bytes.
    pub largest_binding: u64,
    /// The largest buffer, in bytes.
    pub largest_buffer: u64,
}

/// All adapters, the most capable kind first. Empty where there is no driver.
pub fn devices() -> Vec<DeviceInfo> {
    adapters().iter().map(describe).collect()
}

fn adapters() -> Vec<Adapter> {
    let instance = Instance::new(InstanceDescriptor::new_without_display_handle_from_env());
    let mut adapters = pollster::block_on(instance.enumerate_adapters(Backends::all()));
    adapters.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    adapters
}

fn rank(kind: DeviceType) -> u32 {
    match kind {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    }
}

/// Functions in f64 take numbers apart as 64-bit integers.
const WIDE: Features = Features::SHADER_F64.union(Features::SHADER_INT64);

fn describe(adapter: &Adapter) -> DeviceInfo {
    let info = adapter.get_info();
    let limits = adapter.limits();
    DeviceInfo {
        name: info.name,
        kind: match info.device_type {
            DeviceType::DiscreteGpu => "discrete",
            DeviceType::IntegratedGpu => "integrated",
            DeviceType::VirtualGpu => "virtual",
            DeviceType::Cpu => "software",
            DeviceType::Other => "other",
        },
        backend: format!("{:?}", info.backend),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
        software: info.device_type == DeviceType::Cpu,
        f64: adapter.features().contains(WIDE),
        largest_binding: limits.max_storage_buffer_binding_size,
        largest_buffer: limits.max_buffer_size,
    }
}

/// An open device.
pub struct Device {
    pub info: DeviceInfo,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub limits: Limits,
    lost: Arc<Mutex<Option<String>>>,
}

impl Device {
    /// Opens the first adapter whose name contains `name` (whatever the case), or, without a name, the most capable
    /// one that is not software.
    pub fn open(name: Option<&str>, precision: Precision) -> Result<Device, EngineError> {
        let found = adapters();
        let listed = || {
            let names: Vec<String> = found.iter().map(|a| a.get_info().name).collect();
            if names.is_empty() { "there is none".to_string() } else { format!("there is {}", names.join(", ")) }
        };
        let fits = |adapter: &Adapter| {
            let info = describe(adapter);
            match name {
                Some(name) => info.name.to_lowercase().contains(&name.to_lowercase()),
                None => !info.software,
            }
        };
        let wide = |adapter: &Adapter| precision == Precision::F32 || adapter.features().contains(WIDE);
        let Some(adapter) = found.iter().find(|adapter| fits(adapter) && wide(adapter)) else {
            let wish = name.map_or("that is not software".to_string(), |name| format!("named '{name}'"));
            let narrow = if found.iter().any(fits) { " that has f64" } else { "" };
            return Err(EngineError::NoAdapter(format!("no adapter {wish}{narrow}; {}", listed())));
        };
        Device::request(adapter, precision)
    }

    fn request(adapter: &Adapter, precision: Precision) -> Result<Device, EngineError> {
        let limits = adapter.limits();
        let features = if precision == Precision::F64 { WIDE } else { Features::empty() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("fenton"),
            required_features: features,
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(|e| EngineError::Device(e.to_string()))?;
        let lost = Arc::new(Mutex::new(None));
        let note = |lost: &Arc<Mutex<Option<String>>>, message: String| {
            lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
        };
        let on_loss = lost.clone();
        device.set_device_lost_callback(move |reason, message| note(&on_loss, format!("lost ({reason:?}) {message}")));
        let on_error = lost.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&on_error, error.to_string())));
        Ok(Device { info: describe(adapter), device, queue, limits, lost })
    }

    /// What has gone wrong on the device since it was opened, if anything.
    pub fn check(&self) -> Result<(), EngineError> {
        match &*self.lost.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(message) => Err(EngineError::Device(format!("{}: {message}", self.info.name))),
            None => Ok(()),
        }
    }

    /// Waits for the device to do all that was submitted.
    pub fn wait(&self) -> Result<(), EngineError> {
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|e| EngineError::Device(format!("{}: {e}", self.info.name)))?;
        self.check()
    }
}
