// Truth values as numbers.

fn truth(v: bool) -> real { return select(real(0.0), real(1.0), v); }
fn real_not(a: real) -> real { return truth(a == 0.0); }
fn real_and(a: real, b: real) -> real { return truth(a != 0.0 && b != 0.0); }
fn real_or(a: real, b: real) -> real { return truth(a != 0.0 || b != 0.0); }
fn real_xor(a: real, b: real) -> real { return truth((a != 0.0) != (b != 0.0)); }
