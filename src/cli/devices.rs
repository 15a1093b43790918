//! `fenton devices`: which adapters there are.

use super::failure::Failure;
use super::output;
use clap::Args;
use fenton::engine::gpu::{DeviceInfo, devices};
use serde_json::json;

#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &DevicesArgs) -> Result<(), Failure> {
    let found = devices();
    let taken = found.iter().position(|device| !device.software);
    let why = match taken {
        Some(at) => format!("{}: the first adapter that is hardware, for jobs large enough", found[at].name),
        None if found.is_empty() => "the CPU: there is no adapter, or no driver".to_string(),
        None => "the CPU: all adapters are software, and compute on the CPU themselves".to_string(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if args.json {
        return output::print_json(&json!({
            "threads": threads,
            "automatic": taken.map(|at| &found[at].name),
            "reason": why,
            "adapters": found.iter().map(|d| json!({
                "name": d.name,
                "kind": d.kind,
                "backend": d.backend,
                "driver": d.driver,
                "software": d.software,
                "f64": d.f64,
                "largest_binding_bytes": d.largest_binding,
                "largest_buffer_bytes": d.largest_buffer,
            })).collect::<Vec<_>>(),
        }));
    }
    let mut text = format!("CPU: {threads} threads, f32 and f64\n");
    for device in &found {
        text += &describe(device);
    }
    output::print(&format!("{text}--engine auto takes {why}\n"))
}

fn describe(device: &DeviceInfo) -> String {
    let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    format!(
        "{}: {}, {}, {}{}; arrays to {}, buffers to {}\n",
        device.name,
        if device.software { "SOFTWARE (computes on the CPU)" } else { device.kind },
        device.backend,
        if device.f64 { "f32 and f64" } else { "f32 only" },
        if device.driver.is_empty() { String::new() } else { format!(", driver {}", device.driver) },
        mebibytes(device.largest_binding),
        mebibytes(device.largest_buffer),
    )
}
