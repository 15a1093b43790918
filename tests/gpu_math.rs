//! The functions of `shaders/shared/math32.wgsl` and `math64.wgsl` on a device, against the host's.

use fenton::engine::Precision;
use fenton::engine::gpu::with_math;
use wgpu::util::DeviceExt;

/// `expression` of each pair `(a, b)` on the first adapter with the precision, if there is one.
fn evaluate(expression: &str, precision: Precision, pairs: &[(f64, f64)]) -> Option<Vec<f64>> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let wide = wgpu::Features::SHADER_F64 | wgpu::Features::SHADER_INT64;
    let features = if precision == Precision::F64 { wide } else { wgpu::Features::empty() };
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let Some(adapter) = adapters.into_iter().find(|adapter| adapter.features().contains(features)) else {
        assert!(std::env::var("FENTON_REQUIRE_GPU").map_or(true, |v| v != "1"), "there is no adapter");
        println!("not run on a GPU: no adapter");
        return None;
    };
    let descriptor = wgpu::DeviceDescriptor { required_features: features, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).expect("a device");
    let text = format!(
        "@group(0) @binding(0) var<storage, read> pairs: array<real>;\n\
         @group(0) @binding(1) var<storage, read_write> values: array<real>;\n\
         @compute @workgroup_size(64)\n\
         fn main(@builtin(global_invocation_id) id: vec3<u32>) {{\n\
         if (id.x >= arrayLength(&values)) {{ return; }}\n\
         let a = pairs[2u * id.x];\nlet b = pairs[2u * id.x + 1u];\nvalues[id.x] = {expression};\n}}"
    );
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(with_math(&text, precision).into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let flat: Vec<f64> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    let narrow: Vec<f32> = flat.iter().map(|&v| v as f32).collect();
    let (contents, size): (&[u8], u64) = match precision {
        Precision::F32 => (bytemuck::cast_slice(&narrow), 4),
        Precision::F64 => (bytemuck::cast_slice(&flat), 8),
    };
    use wgpu::BufferUsages as Usage;
    let input =
        device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label: None, contents, usage: Usage::STORAGE });
    let length = size * pairs.len() as u64;
    let buffer = |usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size: length, usage, mapped_at_creation: false })
    };
    let output = buffer(Usage::STORAGE | Usage::COPY_SRC);
    let back = buffer(Usage::COPY_DST | Usage::MAP_READ);
    let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: input.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: output.as_entire_binding() },
        ],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        pass.dispatch_workgroups((pairs.len() as u32).div_ceil(64), 1, 1);
    }
    encoder.copy_buffer_to_buffer(&output, 0, &back, 0, length);
    queue.submit([encoder.finish()]);
    back.map_async(wgpu::MapMode::Read, .., |_| ());
    device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
    let view = back.get_mapped_range(..).expect("mapped");
    Some(match precision {
        Precision::F32 => bytemuck::pod_collect_to_vec::<u8, f32>(&view).into_iter().map(f64::from).collect(),
        Precision::F64 => bytemuck::pod_collect_to_vec(&view),
    })
}

/// `count` numbers between `low` and `high`, spread by size where both are above zero.
fn spread(low: f64, high: f64, count: usize) -> Vec<(f64, f64)> {
    let share = |i: usize| i as f64 / (count - 1) as f64;
    let at = |i: usize| {
        if low > 0.0 && high / low > 1e3 { low * (high / low).powf(share(i)) } else { low + (high - low) * share(i) }
    };
    (0..count).map(|i| (at(i), 0.0)).collect()
}

/// The standard library's own loses digits near 1.
fn acosh(v: f64) -> f64 {
    let w = v - 1.0;
    (w + (w * (2.0 + w)).sqrt()).ln_1p()
}

/// Function, its twin on the host, the range of arguments, and the units in the last place allowed.
type Case = (&'static str, fn(f64) -> f64, f64, f64, f64);

#[test]
fn functions_in_f64_are_good_to_a_few_units_in_the_last_place() {
    let cases: [Case; 25] = [
        ("ln_one_plus(a)", f64::ln_1p, 1e-12, 1e12, 2.0),
        ("real_exp(a)", f64::exp, -707.0, 709.0, 1.0),
        ("real_exp(a)", f64::exp, -1.0, 1.0, 1.0),
        ("real_ln(a)", f64::ln, 1e-307, 1e308, 1.0),
        ("real_ln(a)", f64::ln, 0.5, 2.0, 1.0),
        ("real_ln(a)", f64::ln, 5e-324, 1e-308, 1.0),
        ("real_sin(a)", f64::sin, -1.5, 1.5, 2.0),
        ("real_cos(a)", f64::cos, -1.5, 1.5, 2.0),
        ("real_sin(a)", f64::sin, 1.0, 1e5, 2.0),
        ("real_cos(a)", f64::cos, 1.0, 1e5, 2.0),
        ("real_tan(a)", f64::tan, -1.5, 1.5, 3.0),
        ("real_atan(a)", f64::atan, 1e-9, 1e9, 2.0),
        ("real_atan(a)", f64::atan, -3.0, 3.0, 2.0),
        ("real_asin(a)", f64::asin, -1.0, 1.0, 4.0),
        ("real_acos(a)", f64::acos, -1.0, 1.0, 4.0),
        ("real_sinh(a)", f64::sinh, -2.0, 2.0, 3.0),
        ("real_sinh(a)", f64::sinh, 2.0, 700.0, 3.0),
        ("real_cosh(a)", f64::cosh, -5.0, 5.0, 3.0),
        ("real_tanh(a)", f64::tanh, -3.0, 3.0, 4.0),
        ("real_tanh(a)", f64::tanh, 3.0, 1e3, 1.0),
        ("real_asinh(a)", f64::asinh, 1e-9, 1e12, 4.0),
        ("real_asinh(a)", f64::asinh, -3.0, 3.0, 4.0),
        ("real_acosh(a)", acosh, 1.0, 3.0, 4.0),
        ("real_acosh(a)", f64::acosh, 3.0, 1e12, 4.0),
        ("real_atanh(a)", f64::atanh, -0.999, 0.999, 4.0),
    ];
    for (expression, twin, low, high, allowed) in cases {
        let pairs = spread(low, high, 20_011);
        let Some(found) = evaluate(expression, Precision::F64, &pairs) else { return };
        let distance = |found: f64, exact: f64| (found.to_bits() as i64).abs_diff(exact.to_bits() as i64) as f64;
        let (worst, at) = pairs
            .iter()
            .zip(&found)
            .map(|(&(a, _), &found)| (if twin(a) == found { 0.0 } else { distance(found, twin(a)) }, a))
            .fold((0.0, 0.0), |worst, next| if next.0 > worst.0 { next } else { worst });
        println!("{expression:14} from {low:e} to {high:e}: {worst} units at {at:e}");
        assert!(worst <= allowed, "{expression} is off by {worst} units at {at:e}");
    }
}

#[test]
fn functions_in_f32_are_good_to_six_digits() {
    let cases: [Case; 13] = [
        ("real_exp(a)", f64::exp, -80.0, 80.0, 0.0),
        ("real_ln(a)", f64::ln, 1e-30, 0.9, 0.0),
        ("real_ln(a)", f64::ln, 1.1, 1e30, 0.0),
        ("real_sin(a)", f64::sin, 0.01, 3.0, 0.0),
        ("real_cos(a)", f64::cos, 0.0, 1.5, 0.0),
        ("real_tan(a)", f64::tan, 0.01, 1.5, 0.0),
        ("real_atan(a)", f64::atan, 0.01, 1e3, 0.0),
        ("real_asin(a)", f64::asin, 0.1, 0.99, 0.0),
        ("real_acos(a)", f64::acos, -0.99, 0.9, 0.0),
        ("real_cosh(a)", f64::cosh, -10.0, 10.0, 0.0),
        ("real_sinh(a)", f64::sinh, 1.0, 10.0, 0.0),
        ("real_tanh(a)", f64::tanh, 0.1, 100.0, 0.0),
        ("real_asinh(a)", f64::asinh, -100.0, -0.5, 0.0),
    ];
    for (expression, twin, low, high, _) in cases {
        let pairs = spread(low, high, 20_011);
        let Some(found) = evaluate(expression, Precision::F32, &pairs) else { return };
        // The argument has an error of half a unit in the last place itself, which exp magnifies.
        let error = |a: f64, found: f64| {
            let a = f64::from(a as f32);
            (found - twin(a)).abs() / (twin(a).abs() * (1.0 + a.abs() / 10.0)).max(1e-3)
        };
        let worst = pairs.iter().zip(&found).map(|(&(a, _), &found)| error(a, found)).fold(0.0, f64::max);
        println!("{expression:14} from {low:e} to {high:e}: {worst:.1e}");
        assert!(worst <= 2e-6, "{expression} is off by {worst:e}");
    }
}

/// Likelihoods are sums of these, and sums do not forgive four digits.
#[test]
fn the_logarithm_near_1_is_good_to_f32() {
    for (low, high) in [(1e-9, 1e30), (-0.28, 0.5), (0.3, 3.0)] {
        let pairs = spread(low, high, 20_011);
        let Some(found) = evaluate("ln_one_plus(a)", Precision::F32, &pairs) else { return };
        let error = |a: f64, found: f64| (found / f64::from(a as f32).ln_1p() - 1.0).abs();
        let worst = pairs.iter().zip(&found).filter(|((a, _), _)| *a != 0.0);
        let worst = worst.map(|(&(a, _), &found)| error(a, found)).fold(0.0, f64::max);
        println!("ln_one_plus(a) from {low:e} to {high:e}: {worst:.1e}");
        assert!(worst <= 4e-7, "ln_one_plus(a) is off by {worst:e}");
    }
    let pairs = [(f64::INFINITY, 0.0), (f64::NAN, 0.0)];
    let Some(found) = evaluate("ln_one_plus(a)", Precision::F32, &pairs) else { return };
    assert!(found.iter().all(|value| !value.is_finite()));
}

#[test]
fn powers_follow_the_language() {
    let bases = [-3.0, -2.0, -0.5, -1e-9, 0.0, 1e-6, 0.3, 1.0, 2.0, 7.5, 1e4];
    let exponents = [-3.0, -2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0];
    let pairs: Vec<(f64, f64)> = bases.iter().flat_map(|&a| exponents.iter().map(move |&b| (a, b))).collect();
    for (precision, epsilon) in [(Precision::F64, f64::EPSILON), (Precision::F32, f64::from(f32::EPSILON))] {
        let Some(found) = evaluate("power(a, b)", precision, &pairs) else { return };
        for (&(a, b), &found) in pairs.iter().zip(&found) {
            let exact = fenton::expr::power(a, b);
            let allowed = exact.abs() * epsilon * (2.0 + (b * a.abs().ln()).abs() * 2.0);
            let agree = found == exact || (found - exact).abs() <= allowed;
            assert!(agree, "{a}^{b} is {exact:e}, not {found:e}, in {precision:?}");
        }
    }
}

#[test]
fn what_is_not_finite_stays_so() {
    let pairs = [(f64::NAN, 0.0), (f64::INFINITY, 0.0), (f64::NEG_INFINITY, 0.0), (0.0, 0.0), (-1.0, 0.0)];
    let Some(exp) = evaluate("real_exp(a)", Precision::F64, &pairs) else { return };
    let Some(ln) = evaluate("real_ln(a)", Precision::F64, &pairs) else { return };
    assert!(exp[0].is_nan() && exp[1] == f64::INFINITY && exp[2] == 0.0 && exp[3] == 1.0);
    assert!(ln[0].is_nan() && ln[1] == f64::INFINITY && ln[2].is_nan() && ln[3] == f64::NEG_INFINITY && ln[4].is_nan());
}
