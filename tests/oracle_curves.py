#!/usr/bin/env python3
"""Compares `fenton curve` with SciPy's least squares, with CurveCurator and with published curves.

    python tests/oracle_curves.py target/release/fenton [CTRPV2.csv]

Needs numpy, scipy and curve-curator from the Python registry. Exit code 1 if anything disagrees:
- log10 EC50 by SciPy (Levenberg-Marquardt from many starts) and by CurveCurator within 1e-4 wherever their own optimum
  is inside their bounds and fenton's is inside the tested doses;
- with the published four-parameter curves of CTRPv2 (EC50, asymptotes and slope in columns of these names), noise-free
  readings give the parameters back to 1e-6 wherever the published EC50 and the slope can be told from the doses.
"""
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from curve_curator.models import LogisticModel
from scipy.optimize import least_squares

CURVES = 300


def logistic(x, log_ec50, log_slope, lower, upper):
    return lower + (upper - lower) / (1 + np.exp(np.exp(log_slope) * (x - log_ec50)))


def simulate(rng, count, doses, replicates):
    """Curves of many shapes with even noise."""
    out = []
    for _ in range(count):
        ec50 = 10 ** rng.uniform(np.log10(doses[2]), np.log10(doses[-3]))
        slope, lower, upper = rng.uniform(0.6, 4), rng.uniform(0, 0.5), rng.uniform(0.8, 1.2)
        x = np.repeat(doses, replicates)
        mean = logistic(np.log(x), np.log(ec50), np.log(slope), lower, upper)
        out.append((x, 1e4 * (mean + rng.normal(0, rng.uniform(0.01, 0.05), x.size))))
    return out


def fenton(binary, curves, model="4pl"):
    """All curves in one tidy table, one cell line each."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "curves.csv"
        with open(file, "w", newline="") as out:
            table = csv.writer(out)
            table.writerow(["cell_line", "plate", "compound", "dose", "unit", "signal"])
            for number, (doses, values) in enumerate(curves):
                for dose, value in zip(doses, values):
                    table.writerow([f"c{number}", f"p{number}", "X", repr(float(dose)), "uM", repr(float(value))])
        command = [binary, "curve", str(file), "--assay", "atp", "--model", model, "--json"]
        start = time.perf_counter()
        result = subprocess.run(command, capture_output=True, text=True)
        wall = time.perf_counter() - start
    if result.returncode != 0:
        sys.exit(f"fenton failed:\n{result.stderr}")
    rows = {int(row["cell_line"][1:]): row for row in json.loads(result.stdout)["curves"]}
    return [rows[number] for number in range(len(curves))], wall


def scipy_fit(doses, values):
    x, scale = np.log(doses), np.abs(values).max()
    y = values / scale
    best = None
    for place in np.quantile(x, [0.2, 0.4, 0.6, 0.8]):
        for slope in (0.0, 1.0):
            start = [place, slope, y.min(), y.max()]
            found = least_squares(lambda p: logistic(x, *p) - y, start, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=4000)
            if best is None or found.cost < best.cost:
                best = found
    return best.x


def compare_scipy(binary, rng):
    doses = np.array([0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100.0])
    curves = simulate(rng, CURVES, doses, 3)
    rows, _ = fenton(binary, curves)
    worst, compared, disagree = 0.0, 0, []
    for (x, y), row in zip(curves, rows):
        found = scipy_fit(x, y)
        # A slope above 12 is a step between two doses: where in between, the data do not say.
        interior = np.log(doses[0]) < found[0] < np.log(doses[-1]) and found[1] < np.log(12)
        if not interior or row["parameters"] is None:
            continue
        compared += 1
        difference = abs(row["parameters"]["log10_ec50"] - found[0] / np.log(10))
        worst = max(worst, difference)
        if difference > 1e-4:
            disagree.append((row["cell_line"], difference))
    print(f"SciPy: {compared} of {CURVES} interior, largest difference in log10 EC50 {worst:.1e}, {len(disagree)} above 1e-4 {disagree[:5]}")
    return not disagree and compared > 0.9 * CURVES


def compare_curve_curator(binary, rng):
    doses = np.array([0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100.0])
    curves = [(x, y / 1e4) for x, y in simulate(rng, 60, doses, 2)]
    rows, _ = fenton(binary, curves)
    worst, compared, disagree = 0.0, 0, []
    for (x, y), row in zip(curves, rows):
        logs = np.log10(x)
        model = LogisticModel()
        model.set_boundaries(logs)
        model.extensively_fit_guesses_ols(logs, y, noise=0.05)
        fitted = model.get_fitted_params()
        # Its simplex stops early: least squares from where it stopped is the same optimum to more digits.
        start = [-fitted["pec50"] * np.log(10), np.log(fitted["slope"]), fitted["back"], fitted["front"]]
        own = np.sum((model.predict(logs) - y) ** 2)
        polished = least_squares(lambda p: logistic(np.log(x), *p) - y, start, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14)
        inside = fitted["back"] > 2e-4 and fitted["slope"] < 9.9 and fitted["slope"] > 0.011
        same = np.sum(polished.fun ** 2) > own * (1 - 1e-3)
        if not (inside and same) or row["parameters"] is None:
            continue
        compared += 1
        difference = abs(row["parameters"]["log10_ec50"] + fitted["pec50"])
        worst = max(worst, difference)
        if difference > 1e-4:
            disagree.append((row["cell_line"], round(difference, 6)))
    print(f"CurveCurator: {compared} of 60 interior, largest difference in log10 EC50 {worst:.1e}, {len(disagree)} above 1e-4 {disagree[:5]}")
    return not disagree and compared > 40


def compare_published(binary, file):
    curves, truths = [], []
    for row in csv.DictReader(open(file)):
        value = {key: float(row[key]) for key in ("EC50", "LowerAsymptote", "UpperAsymptote", "Slope", "MinimumDose", "MaximumDose")}
        slope = -value["Slope"]
        if slope <= 0:
            continue
        doses = np.geomspace(value["MinimumDose"], value["MaximumDose"], 16)
        log_ec50 = np.log(value["EC50"])
        with np.errstate(over="ignore"):
            y = logistic(np.log(doses), log_ec50, np.log(slope), value["LowerAsymptote"], value["UpperAsymptote"])
        curves.append((doses, y))
        truths.append((log_ec50, slope, value["LowerAsymptote"], value["UpperAsymptote"], np.log(doses)))
    rows, wall = fenton(binary, curves)
    determined, off, worst, drawn = 0, [], 0.0, 0.0
    for (doses, y), row, (log_ec50, slope, lower, upper, x) in zip(curves, rows, truths):
        p = row["parameters"]
        if p is None:
            off.append((row["cell_line"], "no fit"))
            continue
        mine = p["lower"] + (p["upper"] - p["lower"]) / (1 + np.exp(np.clip(p["hill"] * (x - p["log10_ec50"] * np.log(10)), -700, 700)))
        drawn = max(drawn, np.abs(mine - y).max())
        # Whether the parameters can be told from the doses at all: the information of the design in double precision.
        def jacobian(q):
            columns = []
            for i in range(4):
                h = 1e-5
                up, down = np.array(q), np.array(q)
                up[i] += h
                down[i] -= h
                with np.errstate(over="ignore"):
                    columns.append((logistic(x, *up) - logistic(x, *down)) / (2 * h))
            return np.array(columns).T
        j = jacobian([log_ec50, np.log(slope), lower, upper])
        smallest = np.linalg.svd(j, compute_uv=False)[-1]
        if smallest < 1e-4:
            continue
        determined += 1
        difference = abs(p["log10_ec50"] - log_ec50 / np.log(10))
        worst = max(worst, difference)
        if difference > 1e-6:
            off.append((row["cell_line"], difference))
    print(f"published curves: {determined} of {len(curves)} determined by 16 doses, largest difference in log10 EC50 {worst:.1e}, "
          f"{len(off)} above 1e-6 {off[:5]}; largest difference of any drawn curve {drawn:.1e}; {wall:.2f} s")
    return not off and determined > 0.4 * len(curves)


def main():
    binary = sys.argv[1]
    rng = np.random.default_rng(20261125)
    good = [compare_scipy(binary, rng), compare_curve_curator(binary, rng)]
    if len(sys.argv) > 2:
        good.append(compare_published(binary, sys.argv[2]))
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
