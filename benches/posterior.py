#!/usr/bin/env python3
"""emcee's stretch move on the study fac-ht1080, with one likelihood at a time and with batches, beside `fenton sample`.

    pip install antimony libroadrunner numpy emcee arviz
    cargo build --release && cargo bench --bench posterior --no-run
    python benches/posterior.py target/release/fenton target/release/deps/posterior-*   # the binary that cargo names

Four ways to the same posterior, in turns:

- emcee calls libRoadRunner (CVODE), one point at a time: what there is in Python without further work. Each likelihood
  settles the cells once and starts every dose from there, as fenton does.
- emcee calls fenton through a pipe, one point at a time.
- emcee hands fenton the half of its walkers that moves (`vectorize`), through the same pipe.
- `fenton sample` (SMC), from start to written report.

libRoadRunner runs on one core, fenton on all there are. Rates are of evaluations by the clock, the prior and emcee's own
work included; the rate of libRoadRunner's likelihoods without emcee is printed too. Effective draws are ArviZ's bulk ESS of
the parameter with the least, of the second half of emcee's steps with a walker as a chain, and of all draws of
`fenton sample`. emcee's effective draws come from its longest run, that in batches: the posterior is the same, so an
evaluation is worth the same, and the others differ in evaluations per second alone.
"""
import argparse
import csv
import json
import subprocess
import tempfile
import time
from pathlib import Path

import arviz
import emcee
import numpy as np

from libroadrunner import load, processor

STUDIES = Path(__file__).resolve().parent.parent / "data" / "studies"
# As in fac-ht1080.toml: bounds, and median and sd of the log-normal priors.
BOUNDS = {"V_iron": (5, 300), "ferritin_capacity": (30, 3000), "h_ferroptosis": (0.05, 5), "sigma": (0.005, 0.5)}
PRIORS = {"V_iron": (40, 0.7), "ferritin_capacity": (300, 0.7), "h_ferroptosis": (0.6, 0.5)}
RTOL = 1e-5


class RoadRunner:
    """The log posterior on the estimation scale (log10), up to a constant."""

    def __init__(self):
        self.run, _ = load("ferroptosis-minimal")
        self.run.integrator.maximum_num_steps = 100_000
        self.states = list(self.run.getRateRuleIds())
        with open(STUDIES / "fac-ht1080.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        self.doses = sorted({float(row["FAC (mM)"]) for row in rows})
        self.times = sorted({float(row["time (h)"]) for row in rows})
        places = [(self.doses.index(float(r["FAC (mM)"])), self.times.index(float(r["time (h)"]))) for r in rows]
        self.at = tuple(np.array(places).T)
        self.readings = np.array([float(row["viability"]) for row in rows])

    def tolerance(self, rtol):
        self.run.integrator.relative_tolerance = rtol
        self.run.integrator.absolute_tolerance = rtol * 1e-3

    def __call__(self, point):
        values = dict(zip(BOUNDS, 10.0 ** np.asarray(point)))
        if any(not low <= values[name] <= high for name, (low, high) in BOUNDS.items()):
            return -np.inf
        prior = sum(-0.5 * (np.log(values[n] / median) / sd) ** 2 for n, (median, sd) in PRIORS.items())
        try:
            live = self.live(values)
        except RuntimeError:
            return -np.inf
        off = (self.readings - (live / live[0])[self.at]) / values["sigma"]
        return prior - 0.5 * off @ off - len(off) * np.log(values["sigma"])

    def live(self, values):
        run = self.run
        run.resetAll()
        for name in PRIORS:
            run[name] = values[name]
        run["counting"] = 0
        run.simulate(0, 5000, 2)
        settled = [run[name] for name in self.states]
        run["counting"] = 1
        courses = []
        for dose in self.doses:
            for name, value in zip(self.states, settled):
                run[name] = value
            run["FAC"] = 1000 * dose
            courses.append(np.array(run.simulate(times=[0, *self.times], selections=["time", "live"]))[1:, 1])
        return np.array(courses)


class Fenton:
    """The same from the bench's binary, for any number of points at once."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        hello = json.loads(self.process.stdout.readline())
        if hello["names"] != list(BOUNDS):
            raise SystemExit(f"other parameters: {hello['names']}")
        self.starts = np.array(hello["starts"])

    def many(self, points):
        self.process.stdin.write(json.dumps(np.asarray(points).tolist()) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return np.array([-np.inf if value is None else value for value in answer])

    def __call__(self, point):
        return self.many([point])[0]


def walk(likelihood, starts, steps, vectorize=False):
    """The chains [walker, step, parameter] and evaluations per second."""
    walkers, dimensions = starts.shape
    sampler = emcee.EnsembleSampler(walkers, dimensions, likelihood, vectorize=vectorize)
    np.random.seed(1)
    began = time.perf_counter()
    sampler.run_mcmc(starts, steps)
    seconds = time.perf_counter() - began
    return sampler.get_chain().swapaxes(0, 1), walkers * (steps + 1) / seconds


def effective(chains):
    """[chain, draw, parameter]"""
    return min(float(arviz.ess(np.ascontiguousarray(chains[:, :, i]))) for i in range(chains.shape[2]))


def sample(binary, draws):
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [binary, "sample", "fac-ht1080", "--draws", str(draws), "--output", f"{folder}/posterior", "--engine", "cpu"]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        chains = []
        for path in sorted(Path(folder, "posterior").glob("draws-*.csv")):
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
            chains.append([[float(row[name]) for name in BOUNDS] for row in rows])
    return np.array(chains), seconds


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("fenton", help="the binary of the program")
    options.add_argument("posterior", help="the binary of the bench `posterior`")
    options.add_argument("--walkers", type=int, default=32)
    options.add_argument("--steps", type=int, default=4000, help="of the run in batches")
    options.add_argument("--slow", type=int, default=25, help="steps of the run with libRoadRunner")
    options.add_argument("--single", type=int, default=200, help="steps of the run with fenton, one at a time")
    options.add_argument("--draws", type=int, default=2048, help="of fenton sample")
    options.add_argument("--repeats", type=int, default=3, help="turns, of which the fastest of each counts")
    given = options.parse_args()

    roadrunner, fenton = RoadRunner(), Fenton(given.posterior)
    # A small ball about the best of them, as emcee's guide advises: from draws of the prior single walkers stay behind where
    # the likelihood is small for thousands of steps.
    first = fenton.starts[fenton.many(fenton.starts).argmax()]
    starts = first + 0.01 * np.random.default_rng(1).standard_normal((given.walkers, len(BOUNDS)))
    ours = fenton.many(starts)
    print(processor())
    for rtol in [1e-10, RTOL]:
        roadrunner.tolerance(rtol)
        off = np.array([roadrunner(point) for point in starts]) - ours
        off = np.abs(off - np.median(off))
        print(f"log posteriors at the {len(starts)} starts differ from those of libRoadRunner at rtol {rtol:.0e} by "
              f"{np.median(off):.1e} (median) and {np.max(off):.1e} (largest), a constant apart")

    rates = {"libRoadRunner alone": 0.0, "libRoadRunner": 0.0, "fenton, one at a time": 0.0, "fenton, in batches": 0.0}
    best, draws = np.inf, None
    for _ in range(given.repeats):
        began = time.perf_counter()
        for point in starts:
            roadrunner(point)
        found = {"libRoadRunner alone": len(starts) / (time.perf_counter() - began)}
        _, found["libRoadRunner"] = walk(roadrunner, starts, given.slow)
        _, found["fenton, one at a time"] = walk(fenton, starts, given.single)
        chains, found["fenton, in batches"] = walk(fenton.many, starts, given.steps, vectorize=True)
        rates = {name: max(rate, found[name]) for name, rate in rates.items()}
        draws, seconds = sample(given.fenton, given.draws)
        best = min(best, seconds)
    kept = chains[:, given.steps // 2 :]
    each = effective(kept) / (given.walkers * (given.steps + 1))
    smc = effective(draws) / best
    logs = np.log10(draws)
    apart = (kept.mean((0, 1)) - logs.mean((0, 1))) / logs.std((0, 1))
    print(f"{each:.4f} effective draws an evaluation of emcee; its means lie {np.max(np.abs(apart)):.3f} sd from those of SMC at most\n")
    print("| emcee with | evaluations/s | effective draws/s | fenton sample's effective draws/s over that |\n|---|---|---|---|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:.0f} | {rate * each:.2f} | {smc / (rate * each):.1f} |")
    print(f"\nfenton sample: {effective(draws):.0f} effective draws of {given.draws} in {best:.1f} s, {smc:.0f}/s")
    batched, one = rates["fenton, in batches"], rates["fenton, one at a time"]
    print(f"batches over one at a time: {batched / one:.1f}; over libRoadRunner {batched / rates['libRoadRunner']:.0f}; "
          f"one at a time over libRoadRunner {one / rates['libRoadRunner']:.1f}")


if __name__ == "__main__":
    main()
