use super::*;

fn symbols(graph: &mut Graph) -> (Id, Id, Id) {
    (graph.symbol(Symbol::State(0)), graph.symbol(Symbol::State(1)), graph.symbol(Symbol::Parameter(0)))
}

#[test]
fn equal_expressions_are_one_node() {
    let g = &mut Graph::new();
    let (x, y, k) = symbols(g);
    let a = g.product(&[(k, 1), (x, 1), (y, 1)]);
    let yk = g.mul(y, k);
    assert_eq!(g.mul(yk, x), a);
    assert_eq!(g.div(a, x), yk);
    let sum = g.add(x, y);
    assert_eq!(g.sub(sum, x), y);
    let double = g.add(x, x);
    assert_eq!(g.scale(2.0, x), double);
    assert_eq!(g.sub(x, x), g.constant(0.0));
    let three = g.constant(3.0);
    let cube = g.power(x, three);
    assert_eq!(cube, g.product(&[(x, 3)]));
}

/// Every derivative against a central difference of the reference evaluation.
#[test]
fn derivatives_agree_with_differences() {
    let g = &mut Graph::new();
    let (x, y, k) = symbols(g);
    let mut cases = Vec::new();
    for function in [
        Function::Exp,
        Function::Ln,
        Function::Sqrt,
        Function::Abs,
        Function::Sin,
        Function::Cos,
        Function::Tan,
        Function::Asin,
        Function::Acos,
        Function::Atan,
        Function::Sinh,
        Function::Cosh,
        Function::Tanh,
        Function::Asinh,
        Function::Atanh,
    ] {
        let xy = g.mul(x, y);
        let inner = g.mul(xy, k);
        cases.push(g.call(function, inner));
    }
    let above = g.sum(1.5, &[(1.0, x)]);
    cases.push(g.call(Function::Acosh, above));
    let hill = g.power(x, k);
    let below = g.add(hill, y);
    cases.push(g.div(hill, below));
    cases.push(g.binary(Binary::Min, x, y));
    cases.push(g.binary(Binary::Max, x, y));
    let condition = g.compare(Relation::Less, x, y);
    let square = g.product(&[(x, 2), (y, -1)]);
    cases.push(g.select(condition, square, k));
    let at = [0.3, 0.7, 1.3];
    let value = |g: &Graph, id: Id, v: [f64; 3]| {
        g.evaluate(&[id], &|s| match s {
            Symbol::State(i) => v[i as usize],
            _ => v[2],
        })[0]
    };
    for case in cases {
        for (i, symbol) in [Symbol::State(0), Symbol::State(1), Symbol::Parameter(0)].into_iter().enumerate() {
            let derivative = g.derivative(case, symbol);
            let exact = value(g, derivative, at);
            let (mut up, mut down) = (at, at);
            up[i] += 1e-5;
            down[i] -= 1e-5;
            let difference = (value(g, case, up) - value(g, case, down)) / 2e-5;
            assert!(
                (exact - difference).abs() < 1e-8 * (1.0 + exact.abs()),
                "{:?}: {exact} {difference}",
                g.node(case)
            );
        }
    }
}

#[test]
fn a_power_of_a_slightly_negative_state_is_zero() {
    assert_eq!(power(-1e-12, 2.5), 0.0);
    assert_eq!(power(-2.0, 3.0), -8.0);
    assert_eq!(power(0.0, 0.0), 1.0);
}

#[test]
fn import_does_the_algebra_anew() {
    let a = &mut Graph::new();
    let (x, y, k) = symbols(a);
    let product = a.product(&[(k, 1), (x, 1)]);
    let root = a.add(product, y);
    let mut b = Graph::new();
    let roots = b.import(a, &[root], &mut |g, s| (s == Symbol::Parameter(0)).then(|| g.constant(0.0)));
    assert_eq!(b.node(roots[0]), &Node::Symbol(Symbol::State(1)));
}
