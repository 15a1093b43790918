#!/usr/bin/env python3
"""Times libRoadRunner on instances of crosstalk-minimal, on one core, beside an error against a tight reference.

Reads parameters one instance a row (columns are parameters of the model), written by this script if they are not there,
so that every program is given the same numbers. What counts is processor time of the integrations alone: reading the
model, its compilation and the setting of parameters are not in it (they are printed too).

    pip install antimony libroadrunner numpy
    python benches/libroadrunner.py --instances 16384 --rtol 1e-4 1e-6 --json roadrunner.json
    fenton simulate crosstalk-minimal --parameters instances.csv ...      # the same rows

The reference is CVODE at rtol 1e-11 and atol 1e-14, on the first --checked rows. Viability is `live` at the end; its
error is absolute.
"""
import argparse
import csv
import json
import os
import platform
import time
from pathlib import Path

import antimony
import numpy as np
import roadrunner

MODELS = Path(__file__).parent.parent / "data" / "models"
SPREAD = 0.2  # sd of the natural logarithm of each varied parameter
VARIED = [
    "V_iron", "ferritin_capacity", "k_branching", "V_GPX4", "k_GSH", "h_ferroptosis",
    "V_CTR1", "V_ATP7", "k_matrix_in", "k_aggregation", "k_FeS_loss", "h_cuproptosis",
]


def load(model):
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyFile(str(MODELS / f"{model}.ant")) < 0:
        raise SystemExit(antimony.getLastError())
    started = time.process_time()
    runner = roadrunner.RoadRunner(antimony.getSBMLString(antimony.getMainModuleName()))
    return runner, time.process_time() - started


def draw(runner, path, instances):
    """Writes rows of parameters: log-normal about the model's values, doses uniform in their logarithm."""
    random = np.random.default_rng(16384)
    columns = {name: runner[name] * np.exp(SPREAD * random.standard_normal(instances)) for name in VARIED}
    columns["CTR1"] = np.full(instances, 10.0)
    columns["FAC"] = 10 ** random.uniform(2.5, 4.0, instances)
    columns["CuCl2"] = 10 ** random.uniform(0.0, 2.0, instances)
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows([repr(float(x)) for x in row] for row in zip(*columns.values()))


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows[0], np.array(rows[1:], dtype=float)


def run(runner, names, rows, end, rtol, atol, steps):
    """(viabilities, seconds integrating, seconds setting parameters, failures, statistics)"""
    runner.integrator.relative_tolerance = rtol
    runner.integrator.absolute_tolerance = atol
    runner.integrator.maximum_num_steps = steps
    runner.timeCourseSelections = ["live"]
    live, failed, busy, setting = np.full(len(rows), np.nan), 0, 0.0, 0.0
    for i, row in enumerate(rows):
        started = time.process_time()
        runner.reset(roadrunner.SelectionRecord.ALL)
        for name, value in zip(names, row):
            runner[name] = value
        ready = time.process_time()
        try:
            live[i] = runner.simulate(0, end, 2)[-1][0]
        except RuntimeError:
            failed += 1
        done = time.process_time()
        setting, busy = setting + ready - started, busy + done - ready
    return live, busy, setting, failed


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--instances", type=int, default=16384)
    options.add_argument("--checked", type=int, default=1024, help="rows compared with the reference")
    options.add_argument("--until", type=float, default=48.0, help="hours")
    options.add_argument("--rtol", type=float, nargs="+", default=[1e-4, 1e-6])
    options.add_argument("--parameters", default="instances.csv")
    options.add_argument("--json", help="where to write the result")
    given = options.parse_args()

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}) if hasattr(os, "sched_setaffinity") else None
    runner, compiled = load("crosstalk-minimal")
    if not Path(given.parameters).exists():
        draw(runner, given.parameters, given.instances)
    names, rows = read(given.parameters)
    rows = rows[: given.instances]
    exact, _, _, failed, = run(runner, names, rows[: given.checked], given.until, 1e-11, 1e-14, 10_000_000)
    assert failed == 0, "the reference failed"
    runs = []
    for rtol in given.rtol:
        live, busy, setting, failed = run(runner, names, rows, given.until, rtol, rtol * 1e-3, 100_000)
        error = np.abs(live[: len(exact)] - exact)
        runs.append({
            "rtol": rtol,
            "atol": rtol * 1e-3,
            "instances": len(rows),
            "seconds": busy,
            "microseconds_per_instance": busy / len(rows) * 1e6,
            "seconds_setting_parameters": setting,
            "failed": failed,
            "error_median": float(np.nanmedian(error)),
            "error_99_percent": float(np.nanquantile(error, 0.99)),
            "error_largest": float(np.nanmax(error)),
        })
        each, middle = busy / len(rows) * 1e6, runs[-1]["error_median"]
        print(f"rtol {rtol:.0e}: {each:.1f} us an instance, error {middle:.1e} (median),"
              f" {runs[-1]['error_99_percent']:.1e} (99 %), {runs[-1]['error_largest']:.1e} (largest), {failed} failed")
    result = {
        "program": f"libRoadRunner {roadrunner.__version__}, CVODE, one core",
        "model": "crosstalk-minimal",
        "until": given.until,
        "quantity": "live",
        "processor": processor(),
        "seconds_compiling": compiled,
        "runs": runs,
    }
    if given.json:
        Path(given.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
