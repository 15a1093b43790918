//! Compiled kernels.

use super::device::Device;
use crate::engine::{EngineError, Precision};
use wgpu::{BindGroupLayout, BindGroupLayoutEntry, BindingType, BufferBindingType, ComputePipeline, ErrorFilter};

/// The kernels of one program and method.
pub struct Integration {
    pub layout: BindGroupLayout,
    pub prepare: ComputePipeline,
    pub advance: ComputePipeline,
}

pub struct Compaction {
    pub layout: BindGroupLayout,
    pub compact: ComputePipeline,
}

pub struct Reducer {
    pub layout: BindGroupLayout,
    pub average: ComputePipeline,
    pub score: ComputePipeline,
}

impl Integration {
    pub fn new(device: &Device, source: &str) -> Result<Integration, EngineError> {
        use Kind::*;
        let kinds = [Uniform, Read, Read, Read, Write, Write, Write, Write, Read, Uniform];
        let (layout, mut pipelines) = pipelines(device, source, &kinds, &["prepare", "advance"])?;
        let advance = pipelines.pop().expect("two entry points");
        let prepare = pipelines.pop().expect("two entry points");
        Ok(Integration { layout, prepare, advance })
    }
}

impl Compaction {
    pub fn new(device: &Device) -> Result<Compaction, EngineError> {
        let kinds = [Kind::Uniform, Kind::Read, Kind::Write];
        let (layout, mut pipelines) = pipelines(device, &super::shader::compaction(), &kinds, &["compact"])?;
        Ok(Compaction { layout, compact: pipelines.pop().expect("one entry point") })
    }
}

impl Reducer {
    pub fn new(device: &Device, precision: Precision) -> Result<Reducer, EngineError> {
        use Kind::*;
        let kinds = [Uniform, Read, Read, Read, Read, Write, Write, Write];
        let source = super::shader::reduction(precision);
        let (layout, mut pipelines) = pipelines(device, &source, &kinds, &["average", "score"])?;
        let score = pipelines.pop().expect("two entry points");
        let average = pipelines.pop().expect("two entry points");
        Ok(Reducer { layout, average, score })
    }
}

#[derive(Clone, Copy)]
pub enum Kind {
    Uniform,
    Read,
    Write,
}

/// Compiles `source`. The checks that the compiler adds to loops and indices stay on: what they cost on a software
/// adapter is a few per cent, and no code here then relies on being free of mistakes.
pub fn pipelines(
    device: &Device,
    source: &str,
    kinds: &[Kind],
    entries: &[&str],
) -> Result<(BindGroupLayout, Vec<ComputePipeline>), EngineError> {
    let scope = device.device.push_error_scope(ErrorFilter::Validation);
    let internal = device.device.push_error_scope(ErrorFilter::Internal);
    let module = device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("fenton"),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    let bindings: Vec<BindGroupLayoutEntry> = kinds
        .iter()
        .zip(0..)
        .map(|(kind, binding)| BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: BindingType::Buffer {
                ty: match kind {
                    Kind::Uniform => BufferBindingType::Uniform,
                    Kind::Read => BufferBindingType::Storage { read_only: true },
                    Kind::Write => BufferBindingType::Storage { read_only: false },
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    let descriptor = wgpu::BindGroupLayoutDescriptor { label: None, entries: &bindings };
    let layout = device.device.create_bind_group_layout(&descriptor);
    let pipeline_layout = device.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let pipelines = entries
        .iter()
        .map(|entry| {
            device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(entry),
                compilation_options: Default::default(),
                cache: None,
            })
        })
        .collect();
    // Scopes end in the order opposite to that in which they began.
    let (internal, validation) = (pollster::block_on(internal.pop()), pollster::block_on(scope.pop()));
    if let Some(error) = internal.or(validation) {
        return Err(EngineError::Device(format!("{}: a kernel does not compile: {error}", device.info.name)));
    }
    device.check()?;
    Ok((layout, pipelines))
}
