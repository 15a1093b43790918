#!/usr/bin/env python3
"""Computes library.csv: the full models and baselines at one time under a few doses, by libRoadRunner (CVODE).

libAntimony reads the files and libRoadRunner integrates what they mean: nothing of fenton is used.

    pip install antimony libroadrunner
    python make_library.py
"""
import csv
from pathlib import Path

import antimony
import roadrunner

HERE = Path(__file__).parent
RUNS = [
    # model, parameters, hours
    ("ferroptosis", "", 48),
    ("ferroptosis", "FAC=4000", 6),
    ("ferroptosis", "erastin=10 DFO=20", 10),
    ("ferroptosis", "RSL3=0.05 FSP1=0 oleate=100", 6),
    ("ferroptosis", "BSO=100 FAC=300 vitamin_K=2 methotrexate=0.05", 10),
    ("cuproptosis", "CuCl2=20 CTR1=10", 48),
    ("cuproptosis", "elesclomol=0.03 BSO=100", 24),
    ("cuproptosis", "disulfiram=0.3 CuCl2=1 AKT1i=1", 48),
    ("crosstalk", "FAC=1000 CuCl2=20 CTR1=10", 24),
    ("crosstalk", "elesclomol=0.05 lactate=20000 erastin=0.3", 24),
    ("trigger-wave", "erastin=1.25 ROS=2", 10),
    ("lag-exponential", "dose=2 onset=0", 24),
    ("gompertz", "dose=2", 48),
]


def main():
    rows = []
    for model, settings, hours in RUNS:
        antimony.clearPreviousLoads()
        text = (HERE.parents[1] / "data" / "models" / f"{model}.ant").read_text(encoding="utf-8")
        if antimony.loadAntimonyString(text) < 0:
            raise SystemExit(antimony.getLastError())
        run = roadrunner.RoadRunner(antimony.getSBMLString(antimony.getMainModuleName()))
        run.integrator.relative_tolerance, run.integrator.absolute_tolerance = 1e-11, 1e-14
        run.integrator.maximum_num_steps = 1_000_000
        for item in settings.split():
            name, value = item.split("=")
            run[name] = float(value)
        run.simulate(0, hours, 2)
        states = list(run.model.getFloatingSpeciesIds()) + list(run.getRateRuleIds())
        rows += [(model, settings, hours, state, repr(float(run[state]))) for state in states]
    with open(HERE / "library.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["model", "set", "time (h)", "state", "value"])
        out.writerows(rows)


if __name__ == "__main__":
    main()
