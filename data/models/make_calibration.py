#!/usr/bin/env python3
"""Writes calibration.toml and calibration.csv, the study that `fenton fit` finds the nominal values with, from targets.csv
(what the models are to do) and parameters.csv (which of their numbers may move, and their priors).

    python data/models/make_calibration.py

Left out of the fit: targets that say "not fitted", those of other lines of cells with factors of their own, and ATP in
absolute amounts, which the models do not have.
"""
import csv
import math
import re
from pathlib import Path

HERE = Path(__file__).parent
LINES = {"HT-1080", "HEK293T", "HEK293T-SLC31A1", "HAP1"}
HEAD = '''title = "What the full models are calibrated to"
description = """
The nominal values of `ferroptosis`, `cuproptosis` and `crosstalk` are the optimum of this study, rounded to three digits.
What it fits are statements of a review and of other literature, most of them bounds, and assumptions that say so:
targets.csv lists them with their sources, and the column `replicate` here names its rows. Meeting them proves nothing:
they are what the values were chosen for. Written by make_calibration.py."""
source = "targets.csv"
model = "crosstalk.ant"

[time]
unit = "h"
'''
SETTLE = '''
[settle]
set = { counting = 0 }
longest = 5000

# minus the logarithm of the live cells relative to unharmed growth: what the hazard has amounted to
[observables.death]
formula = "growth * time - ln(live + 0.001)"
[observables.death.noise]
kind = "normal"
sd = "column"
'''
DATA = '''
[data]
file = "calibration.csv"
values = "fraction"
'''


def rows(name):
    with open(HERE / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def parse(text, doses):
    """Doses, genotype and schedule of `name=value`, `name=value@from` and `name=value@from:until`."""
    dose, genotype, schedule = {}, {}, {}
    for item in text.split():
        name, value = item.split("=")
        value, _, when = value.partition("@")
        if name not in doses:
            genotype[name] = value
            continue
        dose[name] = value
        if when:
            start, _, end = when.partition(":")
            schedule[name] = f"from = {start}" + (f", until = {end}" if end else "")
    return dose, genotype, schedule


def is_fitted(target):
    return "not fitted" not in target["basis"] and target["cell"] in LINES and target["quantity"] != "ATP"


def spread(target):
    """The sd of a row: what is to be near 0 is held closer than what is to be large."""
    value, sd = float(target["value"]), float(target["sd"])
    small = target["quantity"] == "death" and target["kind"] == "below"
    return min(sd, max(0.05, value / 2)) if small else sd


def bounds(parameter):
    median, sd = float(parameter["median"]), float(parameter["sd"])
    if parameter["prior"] == "log-normal":
        return median * math.exp(-4 * sd), median * math.exp(4 * sd)
    logit = math.log(median / (1 - median))
    return 1 / (1 + math.exp(-logit + 3 * sd)), 1 / (1 + math.exp(-logit - 3 * sd))


def table(name):
    return f"[conditions.{name}]" if re.fullmatch(r"[\w-]+", name) else f'[conditions."{name}"]'


def main():
    parameters = rows("parameters.csv")
    doses = {row["name"] for row in parameters if row["status"] == "input" and row["source"] == "dose"}
    compounds, conditions, observables, readings = [], {}, {}, []
    for target in filter(is_fitted, rows("targets.csv")):
        dose, genotype, schedule = parse(target["background"], doses)
        compounds += [name for name in dose if name not in compounds]
        words = [f"{name}-{value}" for name, value in sorted(genotype.items())]
        words += [f"{name}-{'pulse' if 'until' in when else 'before'}" for name, when in sorted(schedule.items())]
        condition = " ".join(words) or "parental"
        conditions[condition] = (genotype, schedule)
        quantity, _, relative = target["quantity"].partition("/")
        observable = quantity + ("_fold" if relative else "")
        observables[observable] = (quantity, relative)
        value, time = target["value"], target["time"] if float(target["time"]) > 0 else "1"
        place = {"equals": (value, "", ""), "below": ("", "", value), "above": ("", value, "")}[target["kind"]]
        readings.append((target["name"], condition, dose, [time, observable, *place, f"{spread(target):g}"]))

    text = HEAD
    for name in compounds:
        text += f'\n[compounds.{name}]\nunit = "uM"\n'
    text += "\n"
    for name, (genotype, schedule) in conditions.items():
        text += table(name) + "\n"
        if genotype:
            text += "set = { " + ", ".join(f"{k} = {v}" for k, v in sorted(genotype.items())) + " }\n"
        if schedule:
            text += "schedule = { " + ", ".join(f"{k} = {{ {v} }}" for k, v in sorted(schedule.items())) + " }\n"
    text += SETTLE
    for name, (quantity, relative) in observables.items():
        if name == "death":
            continue
        kind = "normal" if quantity == "ferroptotic" else "log-normal"
        text += f'\n[observables.{name}]\nformula = "{quantity}"\n' + ('relative_to = "control"\n' if relative else "")
        text += f'[observables.{name}.noise]\nkind = "{kind}"\nsd = "column"\n'
    text += DATA
    for parameter in parameters:
        if parameter["status"] == "calibrated":
            low, high = bounds(parameter)
            prior = f'kind = "log-normal", median = {float(parameter["median"]):g}, sd = {float(parameter["sd"]):g}'
            text += f'\n[parameters.{parameter["name"]}]\nbounds = [{low:.3g}, {high:.3g}]\nprior = {{ {prior} }}\n'
            text += 'source = "assumed"\n'
    (HERE / "calibration.toml").write_text(text, encoding="utf-8")
    with open(HERE / "calibration.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        head = [f"{name} (uM)" for name in compounds]
        out.writerow(["replicate", "condition", *head, "time (h)", "observable", "value", "lower", "upper", "sd"])
        for name, condition, dose, rest in readings:
            out.writerow([name, condition, *(dose.get(compound, "0") for compound in compounds), *rest])
    print(f"{len(readings)} readings, {len(conditions)} conditions")


if __name__ == "__main__":
    main()
