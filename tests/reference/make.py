#!/usr/bin/env python3
"""Computes models.csv: the embedded models at one time under a few doses, to at least 12 digits.

The formulas are taken from the .ant files as text and evaluated in 80-bit floats; nothing of fenton and no other
simulator is used. Dormand and Prince's method of order 8 takes N equal steps and then 2 N; what both agree on is
printed as the error, relative to the value or, for small states, to a millionth of the largest in the model.

    pip install numpy scipy
    python make.py
"""
import csv
import re
from pathlib import Path

import numpy as np
from scipy.integrate._ivp import dop853_coefficients as dop

HERE = Path(__file__).parent
REAL = np.longdouble
RUNS = [
    # model, doses in uM, hours, steps
    ("ferroptosis-minimal", {}, 24, 8_000),
    ("ferroptosis-minimal", {"FAC": 2500}, 24, 8_000),
    ("ferroptosis-minimal", {"FAC": 7500}, 20, 24_000),
    ("ferroptosis-minimal", {"GPX4i": 0.05}, 14, 24_000),
    ("cuproptosis-minimal", {"CuCl2": 15, "CTR1": 10}, 48, 12_000),
    ("cuproptosis-minimal", {"elesclomol": 0.01, "BSO": 100}, 48, 12_000),
    ("crosstalk-minimal", {"FAC": 1000, "CuCl2": 20, "CTR1": 10}, 48, 16_000),
    ("crosstalk-minimal", {"FAC": 5000, "CuCl2": 50, "BSO": 20}, 16, 24_000),
]


def translate(model):
    """(names of the states, their initial values, parameters, f(time, y, parameters)) of a plain .ant file."""
    text = (HERE.parents[1] / "data" / "models" / f"{model}.ant").read_text()
    text = re.sub(r"//.*", "", text)
    statements = [s.strip() for s in text.split(";")]
    rates = dict(re.findall(r"^(\w+)' = (.+)$", "\n".join(statements), re.M))
    rules = dict(re.findall(r"^(\w+) := (.+)$", "\n".join(statements), re.M))
    values = {n: REAL(v) for n, v in re.findall(r"^(\w+) = ([\d.e+-]+)$", "\n".join(statements), re.M)}
    ordered, left = [], dict(rules)
    while left:
        ready = [n for n, f in left.items() if not any(w in left for w in re.findall(r"\w+", f))]
        ordered += [(n, left.pop(n)) for n in ready]
    code = ["def f(y, p):"]
    code += [f"    {name} = y[{i}]" for i, name in enumerate(rates)]
    code += [f"    {name} = p['{name}']" for name in values if name not in rates]
    code += [f"    {name} = {exact(formula)}" for name, formula in ordered]
    code += [f"    return np.array([{', '.join(exact(rates[n]) for n in rates)}])"]
    space = {"np": np, "sqrt": np.sqrt, "REAL": REAL}
    exec("\n".join(code), space)  # the text is our own
    return list(rates), np.array([values[n] for n in rates]), values, space["f"]


def exact(formula):
    return formula.replace("^", "**")


def integrate(f, y, parameters, end, steps):
    h = REAL(end) / steps
    a, b = dop.A[: dop.N_STAGES, : dop.N_STAGES].astype(REAL), dop.B.astype(REAL)
    for _ in range(steps):
        stages = []
        for i in range(dop.N_STAGES):
            at = y + h * sum((a[i, j] * stages[j] for j in range(i) if a[i, j] != 0), np.zeros_like(y))
            stages.append(f(at, parameters))
        y = y + h * sum((b[i] * stages[i] for i in range(dop.N_STAGES)), np.zeros_like(y))
    return y


def main():
    with open(HERE / "models.csv", "w", newline="", encoding="utf-8") as file:
        file.write("# made by tests/reference/make.py\n")
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["model", "set", "time (h)", "state", "value"])
        for model, settings, end, steps in RUNS:
            names, initial, parameters, f = translate(model)
            parameters = {**parameters, **{n: REAL(str(v)) for n, v in settings.items()}}
            coarse, fine = (integrate(f, initial, parameters, end, n) for n in (steps // 2, steps))
            size = np.maximum(np.abs(fine), 1e-6 * np.max(np.abs(fine)))
            error = float(np.max(np.abs(coarse - fine) / size))
            text = " ".join(f"{n}={v}" for n, v in settings.items())
            print(f"{model:20} {text:32} {error:.1e}")
            assert error < 1e-12, "more steps are needed"
            for name, value in zip(names, fine):
                out.writerow([model, text, end, name, np.format_float_scientific(value, precision=15)])


if __name__ == "__main__":
    main()
