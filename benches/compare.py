#!/usr/bin/env python3
"""fenton beside libRoadRunner: the same rows of parameters, one core each, processor time and error.

    pip install antimony libroadrunner numpy
    cargo build --release
    python benches/compare.py target/release/fenton --instances 16384

What counts is the time of the integrations alone, on one processor: the processor time that libRoadRunner takes for
them, and the time that fenton says it took (by the clock, which on a shared machine is the longer one). The processor
time of the whole `fenton simulate`, which also starts, reads the table and writes the result, stands beside it. All
settings of both programs take turns --repeats times and the best of each counts, so that a slow minute of the machine
favours none. Errors are those of `live` at 48 h against CVODE at rtol 1e-11, on the first --checked rows, absolute. A
ratio is that of a run of libRoadRunner to the cheapest run of fenton whose median, 99 % and largest error are all no
larger. fenton is given more settings to choose from than libRoadRunner, which favours it.
"""
import argparse
import csv
import json
import os
import re
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from libroadrunner import draw, load, processor, read, run

MODEL = "crosstalk-minimal"


def summary(live, exact):
    error = np.abs(live[: len(exact)] - exact)
    return {
        "failed": int(np.isnan(live).sum()),
        "median": float(np.nanmedian(error)),
        "99 %": float(np.nanquantile(error, 0.99)),
        "largest": float(np.nanmax(error)),
    }


def simulate(binary, rows, count, options, folder):
    """Viabilities, seconds of the integrations and processor seconds of the whole, of one run on one thread."""
    output = Path(folder) / "live.csv"
    model = Path(__file__).parent.parent / "data" / "models" / f"{MODEL}.ant"
    command = [
        binary, "simulate", str(model), "--parameters", rows, "--times", "48", "--columns", "live", "--engine", "cpu",
        "--output", str(output), *options,
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(
        command, check=True, env={**os.environ, "RAYON_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True
    ).stderr
    integration = float(re.search(r"integrated in ([0-9.]+) s", told)[1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    live = np.full(count, np.nan)
    with open(output, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            live[int(row["instance"]) - 1] = float(row["live"])
    return live, integration, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def settings(given, runner, names, rows, path, folder):
    """(program, setting, what runs it and returns viabilities and seconds) in the order of the table."""
    for rtol in given.rtol:
        yield "libRoadRunner", f"CVODE {rtol:.0e}", lambda r=rtol: run(runner, names, rows, 48.0, r, r * 1e-3, 100_000)[:2]
    for precision, method in [("f64", "rodas4p"), ("f64", "rodas5p"), ("f32", "rodas4p")]:
        for rtol in given.ours:
            if precision == "f32" and rtol < 1e-5:
                continue
            how = ["--precision", precision, "--method", method, "--rtol", str(rtol), "--atol", str(rtol * given.atol)]
            yield "fenton", f"{precision} {method} {rtol:.0e}", lambda h=how: simulate(given.fenton, path, len(rows), h, folder)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("fenton", help="the binary")
    options.add_argument("--instances", type=int, default=16384)
    options.add_argument("--checked", type=int, default=1024, help="rows compared with the reference")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--rtol", type=float, nargs="+", default=[1e-3, 1e-4, 1e-6], help="of libRoadRunner")
    options.add_argument("--ours", type=float, nargs="+", default=[1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5], help="of fenton")
    options.add_argument("--atol", type=float, default=1e-3, help="absolute tolerance over the relative one")
    options.add_argument("--json", help="where to write the result")
    given = options.parse_args()

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    runner, _ = load(MODEL)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "instances.csv")
        draw(runner, path, given.instances)
        names, rows = read(path)
        exact, _, _, failed = run(runner, names, rows[: given.checked], 48.0, 1e-11, 1e-14, 10_000_000)
        if failed:
            raise SystemExit("the reference failed")
        table = []
        for _ in range(given.repeats):
            for place, (program, setting, measure) in enumerate(settings(given, runner, names, rows, path, folder)):
                live, *seconds = measure()
                us = [second / len(rows) * 1e6 for second in seconds]
                if place == len(table):
                    table.append({"program": program, "setting": setting, "us": us, **summary(live, exact)})
                table[place]["us"] = [min(pair) for pair in zip(us, table[place]["us"])]

    print(f"{processor()}\n")
    print("| program | setting | us an instance | with tables | median error | 99 % | largest | failed |")
    print("|---|---|---|---|---|---|---|---|")
    for row in table:
        whole = f"{row['us'][1]:.2f}" if len(row["us"]) > 1 else ""
        print(f"| {row['program']} | {row['setting']} | {row['us'][0]:.2f} | {whole} | {row['median']:.1e}"
              f" | {row['99 %']:.1e} | {row['largest']:.1e} | {row['failed']} |")
    print("\n| libRoadRunner | precision | cheapest fenton with no larger error | ratio | with tables |\n|---|---|---|---|---|")
    measures = ["median", "99 %", "largest", "failed"]
    for theirs in (row for row in table if row["program"] == "libRoadRunner"):
        for precision in ["f64", "f32"]:
            ours = [row for row in table if row["program"] == "fenton" and row["setting"].startswith(precision)
                    and all(row[measure] <= theirs[measure] for measure in measures)]
            best = min(ours, key=lambda row: row["us"], default=None)
            ratios = " | ".join(f"{theirs['us'][0] / us:.1f}" for us in best["us"]) if best else " | "
            told = f"{best['setting'] if best else 'none'} | {ratios}"
            print(f"| {theirs['setting']} | {precision} | {told} |")
    if given.json:
        Path(given.json).write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
