#!/usr/bin/env python3
"""Writes the optimum of the calibration into the full models and their table, rounded to three digits.

    fenton fit data/models/calibration.toml -o calibration     # writes calibration/parameters.csv
    python data/models/nominal.py calibration/parameters.csv   # parameters.csv, ferroptosis.ant, cuproptosis.ant, crosstalk.ant

No value marked `calibrated` is written by hand. The states that the models start from are set to the rest of crosstalk
at these values, by `fenton simulate` (on the PATH, or in the environment variable FENTON).
"""
import csv
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODELS = [HERE / f"{name}.ant" for name in ("ferroptosis", "cuproptosis", "crosstalk")]
REST_TIME = 3000  # hours without dose: everything has come to rest


def rounded(x):
    return f"{float(f'{x:.3g}'):.10g}"


def assign(path, values):
    """`  name = number;` for each name, keeping what follows in its column."""
    text = path.read_text(encoding="utf-8")
    for name, value in values.items():

        def put(match):
            new = f"{match[1]}{value};"
            return new + " " * max(len(match[0]) - len(new), 1) if match[2] else new

        text = re.sub(rf"(?m)((?:^  | ){name} = )[-+\d.e]+;( *)", put, text)
    path.write_text(text, encoding="utf-8")


def rest():
    command = [os.environ.get("FENTON", "fenton"), "simulate", str(HERE / "crosstalk.ant"), "--set", "counting=0"]
    done = subprocess.run([*command, "--until", str(REST_TIME), "--points", "2"], check=True, capture_output=True, text=True)
    names, _, last = csv.reader(done.stdout.splitlines())
    counts = {"time", "live", "committed", "dead", "ferroptotic"}
    return {name: rounded(max(float(value), 0.0)) for name, value in zip(names, last) if name not in counts}


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        best = {row["parameter"]: rounded(float(row["value"])) for row in csv.DictReader(file)}
    table = HERE / "parameters.csv"
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = {row["name"] for row in rows if row["status"] == "calibrated"}
    if wanted - set(best):
        sys.exit(f"the fit lacks {', '.join(sorted(wanted - set(best)))}")
    best = {name: value for name, value in best.items() if name in wanted}
    for row in rows:
        row["value"] = best.get(row["name"], row["value"])
    with open(table, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    for model in MODELS:
        assign(model, best)
    states = rest()
    for model in MODELS:
        assign(model, states)
    print(f"{len(best)} parameters and {len(states)} states written")


if __name__ == "__main__":
    main()
