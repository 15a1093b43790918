#!/usr/bin/env python3
"""fenton beside libRoadRunner: the same rows of parameters, one core each, processor time and error.

    pip install antimony libroadrunner numpy
    cargo build --release
    python benches/compare.py target/release/fenton --instances 16384

The figure of libRoadRunner is the processor time of its integrations alone. That of fenton is the processor time of a
whole `fenton simulate` on one thread, which includes the start of the program, the reading of the table and the writing
of the result. The best of --repeats counts for both. Errors are those of `live` at 48 h against CVODE at rtol 1e-11, on
the first --checked rows, absolute. A ratio is that of a run of libRoadRunner to the cheapest run of fenton whose median,
99 % and largest error are all no larger. fenton is given more settings to choose from than libRoadRunner, which favours it.
"""
import argparse
import csv
import json
import os
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
    """Viabilities and processor seconds of one run on one thread."""
    output = Path(folder) / "live.csv"
    model = Path(__file__).parent.parent / "data" / "models" / f"{MODEL}.ant"
    command = [
        binary, "simulate", str(model), "--parameters", rows, "--times", "48", "--columns", "live", "--engine", "cpu",
        "--output", str(output), *options,
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env={**os.environ, "RAYON_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    live = np.full(count, np.nan)
    with open(output, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            live[int(row["instance"]) - 1] = float(row["live"])
    return live, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("fenton", help="the binary")
    options.add_argument("--instances", type=int, default=16384)
    options.add_argument("--checked", type=int, default=1024, help="rows compared with the reference")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--rtol", type=float, nargs="+", default=[1e-3, 1e-4, 1e-6], help="of libRoadRunner")
    options.add_argument("--ours", type=float, nargs="+", default=[1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5], help="of fenton")
    options.add_argument("--atol", type=float, default=1e-3, help="absolute tolerance over the relative one")
    options.add_argument("--parameters", default="instances.csv")
    options.add_argument("--json", help="where to write the result")
    given = options.parse_args()

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    runner, _ = load(MODEL)
    if not Path(given.parameters).exists():
        draw(runner, given.parameters, given.instances)
    names, rows = read(given.parameters)
    if len(rows) != given.instances:
        raise SystemExit(f"{given.parameters} has {len(rows)} rows, --instances says {given.instances}")
    exact, _, _, failed = run(runner, names, rows[: given.checked], 48.0, 1e-11, 1e-14, 10_000_000)
    if failed:
        raise SystemExit("the reference failed")
    table = []

    def add(program, setting, seconds, live):
        table.append({"program": program, "setting": setting, "us": min(seconds) / len(rows) * 1e6, **summary(live, exact)})

    for rtol in given.rtol:
        runs = [run(runner, names, rows, 48.0, rtol, rtol * 1e-3, 100_000) for _ in range(given.repeats)]
        add("libRoadRunner", f"CVODE {rtol:.0e}", [busy for _, busy, _, _ in runs], runs[0][0])
    with tempfile.TemporaryDirectory() as folder:
        for precision, method in [("f64", "rodas4p"), ("f64", "rodas5p"), ("f32", "rodas4p")]:
            for rtol in given.ours:
                if precision == "f32" and rtol < 1e-5:
                    continue
                how = ["--precision", precision, "--method", method, "--rtol", str(rtol), "--atol", str(rtol * given.atol)]
                runs = [simulate(given.fenton, given.parameters, len(rows), how, folder) for _ in range(given.repeats)]
                add("fenton", f"{precision} {method} {rtol:.0e}", [busy for _, busy in runs], runs[0][0])

    print(f"{processor()}\n")
    print("| program | setting | us an instance | median error | 99 % | largest | failed |\n|---|---|---|---|---|---|---|")
    for row in table:
        print(f"| {row['program']} | {row['setting']} | {row['us']:.2f} | {row['median']:.1e} | {row['99 %']:.1e}"
              f" | {row['largest']:.1e} | {row['failed']} |")
    print("\n| libRoadRunner | precision | cheapest fenton with no larger error | ratio |\n|---|---|---|---|")
    measures = ["median", "99 %", "largest", "failed"]
    for theirs in (row for row in table if row["program"] == "libRoadRunner"):
        for precision in ["f64", "f32"]:
            ours = [row for row in table if row["program"] == "fenton" and row["setting"].startswith(precision)
                    and all(row[measure] <= theirs[measure] for measure in measures)]
            best = min(ours, key=lambda row: row["us"], default=None)
            told = f"{best['setting']} | {theirs['us'] / best['us']:.1f}" if best else "none | "
            print(f"| {theirs['setting']} | {precision} | {told} |")
    if given.json:
        Path(given.json).write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
