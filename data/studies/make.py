#!/usr/bin/env python3
"""Makes the synthetic plates of this folder: fac-ht1080, cucl2-slc31a1-hek293t and synthetic-crosstalk.

Nobody measured them. Viability is that of a model at the parameters in TRUTH, plus normal noise from a fixed seed. The
first two are shaped by two sentences of a review (README.md); what those sentences do not say (doses, times, genotype
factor, noise) is chosen here. NAME.truth.csv holds the parameters behind a plate and the standard error of the
logarithm that this design can reach at the truth, from the Fisher information of all estimated parameters together.
A parameter is declared identifiable beforehand if that is below 0.5.

    pip install antimony libroadrunner numpy
    python make.py
"""
import csv
import itertools
from pathlib import Path

import antimony
import numpy as np
import roadrunner

HERE = Path(__file__).parent
MODELS = HERE.parent / "models"

PLATES = {
    "fac-ht1080": {
        "model": "ferroptosis-minimal",
        "what": "ferric ammonium citrate on HT-1080",
        "seed": 1080,
        "sd": 0.05,
        "replicates": 3,
        "times": [12, 24, 36, 48, 72],
        "conditions": {"HT-1080": {}},
        "doses": {"FAC": ("mM", 1000, [0, 0.5, 1, 2.5, 3.5, 5, 7.5, 10, 20])},
        "truth": {"V_iron": 36, "ferritin_capacity": 270, "h_ferroptosis": 0.25},
    },
    "cucl2-slc31a1-hek293t": {
        "model": "cuproptosis-minimal",
        "what": "copper chloride on HEK293T, parental and over-expressing SLC31A1",
        "seed": 293,
        "sd": 0.05,
        "replicates": 3,
        "times": [24, 48, 72],
        "conditions": {"parental": {"CTR1": 1}, "SLC31A1": {"CTR1": 12}},
        "doses": {"CuCl2": ("uM", 1, [0, 1, 2, 5, 10, 15, 20, 50, 100, 200, 400, 800])},
        "truth": {"CTR1_fold": 12, "V_ATP7": 95, "k_low": 0.07, "k_aggregation": 0.006, "h_cuproptosis": 0.23},
    },
    "synthetic-crosstalk": {
        "model": "crosstalk-minimal",
        "what": "iron and copper together on a line over-expressing SLC31A1",
        "seed": 2026,
        "sd": 0.04,
        "replicates": 6,
        "times": [6, 12, 18, 24, 36, 48, 60, 72],
        "conditions": {"SLC31A1": {"CTR1": 10}},
        "doses": {
            "FAC": ("mM", 1000, [0, 1, 2, 4, 6, 10, 20]),
            "CuCl2": ("uM", 1, [0, 5, 10, 20, 50]),
        },
        "truth": {
            "V_iron": 45, "ferritin_capacity": 350, "k_branching": 0.3, "h_ferroptosis": 0.3,
            "V_CTR1": 10, "k_aggregation": 0.0065, "h_cuproptosis": 0.25,
        },
    },
}


class Simulator:
    def __init__(self, model):
        antimony.clearPreviousLoads()
        if antimony.loadAntimonyFile(str(MODELS / f"{model}.ant")) < 0:
            raise SystemExit(antimony.getLastError())
        self.run = roadrunner.RoadRunner(antimony.getSBMLString(antimony.getMainModuleName()))
        self.run.integrator.relative_tolerance = 1e-10
        self.run.integrator.absolute_tolerance = 1e-13
        self.run.integrator.maximum_num_steps = 1_000_000
        self.known = set(self.run.model.getGlobalParameterIds())

    def live(self, values, condition, doses, times):
        """Live cells, relative to t = 0, after the condition has come to rest without compounds."""
        self.run.resetAll()
        for name, value in {**values, **condition}.items():
            if name in self.known:
                self.run[name] = value
        self.run["counting"] = 0
        self.run.simulate(0, 5000, 2)
        self.run["counting"] = 1
        for name, value in doses.items():
            self.run[name] = value
        points = self.run.simulate(times=[0, *times], selections=["time", "live"])
        return np.array(points)[1:, 1]


def wells(plate):
    names = list(plate["doses"])
    grid = [plate["doses"][n][2] for n in names]
    return [(c, dict(zip(names, d))) for c in plate["conditions"] for d in itertools.product(*grid)]


def viability(plate, simulator, truth):
    """Relative viability of every well without its noise: wells x times."""
    out, vehicles = [], {}
    for condition, doses in wells(plate):
        genotype = dict(plate["conditions"][condition])
        if "CTR1_fold" in truth and condition == "SLC31A1":
            genotype["CTR1"] = truth["CTR1_fold"]
        if condition not in vehicles:
            vehicles[condition] = simulator.live(truth, genotype, {}, plate["times"])
        scaled = {n: d * plate["doses"][n][1] for n, d in doses.items()}
        out.append(simulator.live(truth, genotype, scaled, plate["times"]) / vehicles[condition])
    return np.array(out)


def standard_errors(plate, simulator, truth):
    """Of the natural logarithms, from the Fisher information of all parameters together."""
    columns, step = [], 1e-3
    for name in truth:
        up, down = ({**truth, name: truth[name] * np.exp(s)} for s in (step, -step))
        columns.append(((viability(plate, simulator, up) - viability(plate, simulator, down)) / (2 * step)).ravel())
    jacobian = np.array(columns).T * np.sqrt(plate["replicates"]) / plate["sd"]
    return dict(zip(truth, np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))))


def main():
    for name, plate in PLATES.items():
        simulator = Simulator(plate["model"])
        exact = viability(plate, simulator, plate["truth"])
        random = np.random.default_rng(plate["seed"])
        with open(HERE / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            file.write(f"# SYNTHETIC: {plate['what']}. Nobody measured this; made by data/studies/make.py\n")
            file.write(f"# from {plate['model']} at {name}.truth.csv, noise normal with sd {plate['sd']}"
                       f" (numpy default_rng({plate['seed']})).\n")
            several = len(plate["conditions"]) > 1
            out = csv.writer(file, lineterminator="\n")
            units = [f"{n} ({plate['doses'][n][0]})" for n in plate["doses"]]
            out.writerow((["condition"] if several else []) + units + ["time (h)", "replicate", "viability"])
            for (condition, doses), row in zip(wells(plate), exact):
                for time, value in zip(plate["times"], row):
                    for replicate in range(1, plate["replicates"] + 1):
                        noisy = value + random.normal(0, plate["sd"])
                        out.writerow(([condition] if several else [])
                                     + [*doses.values(), time, replicate, f"{noisy:.4f}"])
        errors = standard_errors(plate, simulator, plate["truth"])
        with open(HERE / f"{name}.truth.csv", "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["parameter", "truth", "se_log", "identifiable"])
            for parameter, value in plate["truth"].items():
                error = errors[parameter]
                out.writerow([parameter, value, f"{error:.4f}", "yes" if error < 0.5 else "no"])
        print(name, exact.shape, {k: round(float(v), 3) for k, v in errors.items()})
        for (condition, doses), row in zip(wells(plate), exact):
            print("  ", condition, doses, np.round(row, 3))


if __name__ == "__main__":
    main()
