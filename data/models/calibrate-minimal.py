#!/usr/bin/env python3
"""Moves the parameters marked `calibrated` in parameters-minimal.csv until the minimal models meet targets-minimal.csv.

Least squares in the logarithms of the parameters: one residual for each target, one for each parameter's distance from
the median of its prior. Results are rounded to two digits and written into parameters-minimal.csv and their .ant files; every
target is then checked with the rounded values and printed. Meeting the targets proves nothing: they are what the
values were chosen for.

    pip install antimony libroadrunner numpy scipy
    python calibrate-minimal.py            # fit, write, check
    python calibrate-minimal.py --check    # check only; exit 1 if a target is missed by more than 1.5 sd and not known to be
"""
import csv
import math
import re
import sys
from pathlib import Path

import antimony
import numpy as np
import roadrunner
from scipy.optimize import least_squares

HERE = Path(__file__).parent
COUNTS = {"live": 1, "committed": 0, "dead": 0, "ferroptotic": 0}


def rows(name):
    with open(HERE / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Model:
    def __init__(self, name):
        antimony.clearPreviousLoads()
        if antimony.loadAntimonyString((HERE / f"{name}.ant").read_text()) < 0:
            sys.exit(f"{name}: {antimony.getLastError()}")
        self.run = roadrunner.RoadRunner(antimony.getSBMLString(antimony.getMainModuleName()))
        self.run.integrator.relative_tolerance = 1e-7
        self.run.integrator.absolute_tolerance = 1e-10
        self.run.integrator.maximum_num_steps = 100_000
        self.known = set(self.run.model.getGlobalParameterIds())
        self.states = list(self.run.getRateRuleIds())
        self.memory = {}

    def rest(self, values):
        """The settled state without compounds."""
        self.run.resetAll()
        for name, value in values.items():
            if name in self.known:
                self.run[name] = value
        self.run["counting"] = 0
        self.run.simulate(0, 2000, 2)
        self.run["counting"] = 1

    def observe(self, values, settings, pulse, times):
        """Viability and all else at `times` after dosing the settled cells."""
        genotype = {k: v for k, v in settings.items() if k in ("CTR1", "FDX1")}
        doses = {k: v for k, v in settings.items() if k not in genotype}
        self.rest({**values, **genotype})
        start = self.snapshot()
        for name, value in doses.items():
            self.run[name] = value
        out, now = [], 0.0
        stops = sorted({*times, *([pulse] if pulse else [])})
        for stop in stops:
            if stop > now:
                self.run.simulate(now, stop, 2)
                now = stop
            if stop == pulse:
                for name in doses:
                    self.run[name] = 0
            if stop in times:
                out.append(self.snapshot())
        return start, out

    def snapshot(self):
        found = {name: self.run[name] for name in self.states}
        if "Cu_cytosol" in found:
            found["copper"] = found["Cu_cytosol"] + found["Cu_matrix"]
        return found


def read(text):
    return {k: float(v) for k, v in (item.split("=") for item in text.split())}


def residuals(models, targets, values):
    """Distance of each target from being met, in its sd; and the quantity found."""
    vehicle, found, out = {}, [], []
    cache = {}
    for target in targets:
        key = (target["model"], target["settings"], target["pulse"])
        if key not in cache:
            times = sorted({float(t["time"]) for t in targets if (t["model"], t["settings"], t["pulse"]) == key})
            pulse = float(target["pulse"]) if target["pulse"] else None
            cache[key] = (times, models[key[0]].observe(values, read(key[1]), pulse, times))
    for target in targets:
        key = (target["model"], target["settings"], target["pulse"])
        times, (start, states) = cache[key]
        state = states[times.index(float(target["time"]))]
        value, sd, quantity = float(target["value"]), float(target["sd"]), target["quantity"]
        if quantity == "hazard":  # accumulated: minus the logarithm of viability relative to unharmed growth
            x = max(values["growth"] * float(target["time"]) - math.log(max(state["live"], 1e-30)), 1e-6)
        else:
            x = state[quantity] / (start[quantity] if target["kind"] in ("fraction", "fold") else 1)
        found.append(x)
        if target["kind"] == "fraction":
            out.append((x - value) / sd)
            continue
        distance = math.log(x / value) / math.log(10) / sd if quantity == "hazard" else math.log(x / value) / sd
        kind = target["kind"]
        out.append(max(distance, 0) if kind == "below" else min(distance, 0) if kind == "above" else distance)
    return np.array(out), found


def round_to(x, digits=2):
    return float(f"{x:.{digits}g}")


def plain(x):
    return f"{x:.10g}"


def write(parameters, values):
    for file in sorted(HERE.glob("*-minimal.ant")):
        text = file.read_text()
        for row in parameters:
            name = row["name"]
            text = re.sub(rf"^(  {name} = )[^;]+;( *)", lambda m: pad(m, values[name]), text, flags=re.M)
        file.write_text(text)
    for row in parameters:
        row["value"] = plain(values[row["name"]])
    with open(HERE / "parameters-minimal.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, parameters[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(parameters)


def pad(match, value):
    text = f"{match[1]}{plain(value)};"
    return text + " " * max(len(match[0]) - len(text), 1)


def main():
    parameters, targets = rows("parameters-minimal.csv"), rows("targets-minimal.csv")
    values = {row["name"]: float(row["value"]) for row in parameters}
    models = {name: Model(name) for name in {t["model"] for t in targets}}
    if "--check" not in sys.argv:
        moved = [row for row in parameters if row["status"] == "calibrated"]
        names = [row["name"] for row in moved]
        centre = np.log([float(row["median"]) for row in moved])
        spread = np.array([float(row["sd"]) for row in moved])

        def cost(z):
            trial = {**values, **dict(zip(names, np.exp(centre + spread * z)))}
            try:
                met, _ = residuals(models, targets, trial)
            except RuntimeError:
                met = np.full(len(targets), 10.0)
            return np.concatenate([met, 0.5 * z])

        best = least_squares(cost, np.zeros(len(names)), diff_step=1e-2, bounds=(-4, 4), max_nfev=60, verbose=1)
        values.update({n: round_to(v) for n, v in zip(names, np.exp(centre + spread * best.x))})
        write(parameters, values)
        models = {name: Model(name) for name in models}
    met, found = residuals(models, targets, values)
    for target, distance, x in zip(targets, met, found):
        print(f"{'ok  ' if abs(distance) < 1.5 else 'MISS'} {target['name']:48} {target['quantity']:11}"
              f" {x:10.4g}  {target['kind']} {target['value']}  ({target['basis']}, off by {distance:.1f} sd)")
    return int(any(abs(d) >= 1.5 and "not met" not in t["basis"] for t, d in zip(targets, met)))


if __name__ == "__main__":
    sys.exit(main())
