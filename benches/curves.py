#!/usr/bin/env python3
"""How fast `fenton curve` fits many curves, with intervals, and how many times as fast as SciPy without any.

    python benches/curves.py target/release/fenton [--curves 10000] [--scipy 500]

One table of curves with nine doses each, read from disk; the time is that of the whole command, report left out, JSON
written. SciPy fits a part of the same curves with `curve_fit` from one good start, on one core, no interval.
"""
import argparse
import csv
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit

DOSES = np.array([0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100.0])


def logistic(x, log_ec50, log_slope, lower, upper):
    return lower + (upper - lower) / (1 + np.exp(np.exp(log_slope) * (x - log_ec50)))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("fenton")
    arguments.add_argument("--curves", type=int, default=10_000)
    arguments.add_argument("--scipy", type=int, default=500)
    chosen = arguments.parse_args()
    rng = np.random.default_rng(7)
    x = np.log(DOSES)
    curves = []
    for _ in range(chosen.curves):
        truth = rng.uniform(np.log(0.05), np.log(20)), np.log(rng.uniform(0.6, 4)), rng.uniform(0, 0.5), 1.0
        curves.append(logistic(x, *truth) + rng.normal(0, 0.03, x.size))
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "curves.csv", Path(folder) / "curves.json"
        with open(file, "w", newline="") as handle:
            table = csv.writer(handle)
            table.writerow(["cell_line", "plate", "compound", "dose", "unit", "signal"])
            for number, values in enumerate(curves):
                table.writerows([f"c{number}", f"p{number}", "X", dose, "uM", value] for dose, value in zip(DOSES, values))
        start = time.perf_counter()
        with open(out, "w") as handle:
            subprocess.run([chosen.fenton, "curve", str(file), "--assay", "atp", "--model", "4pl", "--json"], stdout=handle, check=True)
        wall = time.perf_counter() - start
        rows = json.load(open(out))["curves"]
    bounded = sum(row["ec50"]["lower"] is not None and row["ec50"]["upper"] is not None for row in rows)
    print(f"fenton: {len(rows)} curves in {wall:.2f} s on {os.cpu_count()} cores, {wall / len(rows) * 1e3:.3f} ms a curve; {bounded} EC50s bounded on both sides")
    start = time.perf_counter()
    failed = 0
    for values in curves[: chosen.scipy]:
        middle = x[np.argmin(np.abs(values - 0.5 * (values.max() + values.min())))]
        try:
            curve_fit(logistic, x, values, p0=[middle, 0.3, values.min(), values.max()])
        except RuntimeError:
            failed += 1
    each = (time.perf_counter() - start) / chosen.scipy
    print(f"SciPy:  {chosen.scipy} curves, {each * 1e3:.3f} ms a curve on one core, no interval, {failed} failed")
    print(f"fenton takes {wall / len(rows) / each:.2f} times SciPy's time a curve, with six profile intervals")


if __name__ == "__main__":
    main()
