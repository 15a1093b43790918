#!/usr/bin/env python3
"""Predicts the ML210 curve of a cell line from its ML162 curve, and says whether the mechanism helps.

CURVES.csv holds published four-parameter logistic fits of CTRPv2 (Seashore-Ludlow et al. 2015, Rees et al. 2016; DepMap
"Harmonized CTD^2 25Q2"), one row a compound and line: CompoundName, ModelID, EC50, LowerAsymptote, UpperAsymptote,
Slope (negative), MinimumDose, MaximumDose, in uM. It is not part of this repository; ELares/cancer_research (GitHub,
commit 7497de6) has it as analysis/calibration/ctrpv2_ferroptosis_curves.csv.

Each line's ML162 curve is read at 16 doses over its tested range and fitted by the mechanism: the line's V_GPX4 and
k_branching, a log-normal spread of one of them over its cells, a top and a share that nothing kills. Then its ML210 curve
is predicted with one number that all lines share, how much more potent ML210 is. A second one may say at which dose the
effect of ML210 saturates, a third how far each prediction is pulled to the median ML210 curve. They are what is best for
the median line among four fifths of the lines and serve the other fifth. Nothing of a line's own ML210 curve is used to
predict it, except where the table says so. The line's own ML162 logistic is treated in all ways likewise.

In the model both compounds inactivate GPX4 at a rate proportional to dose, so a line's ML210 curve is its ML162 curve,
moved. The mechanism can add nothing to that but how it draws the ML162 curve.

    pip install numpy pandas
    python data/studies/heldout.py CURVES.csv
"""
import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
READ_OUT = 72  # h
POINTS = 16  # doses of a curve
FOLDS = 5
REPEATS = 4  # ways to split the lines into folds, over which errors are averaged
SEED = 210

# The table: ML162 (uM; 0 comes before), V_GPX4 as a multiple of the model's and k_branching likewise
DOSES = np.geomspace(1e-4, 1e3, 65)
V_GPX4 = np.geomspace(0.05, 2000, 54)
K_BRANCHING = np.geomspace(0.1, 6, 11)
SPREADS = [0.15, 0.3, 0.5, 0.8, 1.2, 1.8, 2.5]  # sd of the natural logarithm over the cells of a line
FINE = 4  # settings of V_GPX4 tried between two of the table
SCALES = np.geomspace(0.05, 20, 121)  # potency of ML210 relative to ML162
SATURATIONS = [0.3, 0.5, 1, 2, 4, 8, 16, 32]  # ML210 (uM) at half of its highest effect on GPX4
MEDIAN_DOSES = np.array([0.01, 0.03, 0.1, 0.3, 1, 3, 10])  # of a published attempt
TOP = (0.8, 1.01)  # where the published fits kept the upper asymptote


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("--fenton", default=None, help="the program [default: target/release/fenton, else from PATH]")
    parser.add_argument("--model", default=HERE.parent / "models" / "ferroptosis.ant", type=Path)
    parser.add_argument("--lines", type=Path, help="write each line's parameters and errors to this CSV")
    arguments = parser.parse_args()

    whole, tables, doses, measured = read(arguments.curves)
    count = len(tables["ML162"])
    falls = np.ptp(measured["ML162"], axis=1) >= 0.5
    print(f"{count} lines are used; the ML162 curve of {falls.sum()} of them falls by 0.5 or more")

    cells = cell_table(find(arguments.fenton), arguments.model)
    mechanisms = {}
    for name in ("V_GPX4", "k_branching"):
        mechanism = Mechanism(cells, name).fit(doses["ML162"], measured["ML162"])
        error = rmse(mechanism.predict(doses["ML162"]), measured["ML162"])
        print(f"ML162, fitted, cells differ in {name}: median RMSE {np.median(error):.4f}, 95 % of lines below "
              f"{np.quantile(error, 0.95):.3f}")
        mechanisms[name] = mechanism
    identified(mechanisms["V_GPX4"], doses["ML162"], measured["ML162"])

    truth, at = measured["ML210"], doses["ML210"]
    random = np.random.default_rng(SEED)
    folds = [random.permutation(count) % FOLDS for _ in range(REPEATS)]
    median = medians_of_others(tables["ML210"], at)
    sources = {"shifted logistic": lambda d: logistic(tables["ML162"], d), "mechanism": mechanisms["V_GPX4"].predict,
               "mechanism, cells differ in k_branching": mechanisms["k_branching"].predict,
               "shifted logistic, slopes of 10 at most": lambda d: logistic(tables["ML162"], d, 10)}

    rows, errors, shown = [], {}, {}

    def score(name, shared, values, found=""):
        errors[name] = error = rmse(values, truth).reshape(-1, count).mean(0)
        rows.append(f"| {name} | {shared} | {np.median(error):.4f} | {np.quantile(error, 0.25):.3f} to "
                    f"{np.quantile(error, 0.75):.3f} | {np.mean(error):.4f} | {np.median(error[falls]):.4f} | {found} |")

    score("median ML210 curve of the other lines", "-", median)
    score("the line's own ML162 logistic, as it is", "none", logistic(tables["ML162"], at))
    straight = [(s, np.inf) for s in SCALES]
    bent = [(s, k) for s in SCALES[::3] for k in [*SATURATIONS, np.inf]]
    for name, predict in sources.items():
        in_full = name in ("shifted logistic", "mechanism")
        for label, shared, maps in (("", "potency", straight), (", ML210 saturates", "potency, saturation", bent)):
            if label and not in_full:
                continue
            curves = np.array([predict(effective(at, *m)) for m in maps])  # maps x lines x doses
            for pull in (False, True) if in_full else (False,):
                weights = np.linspace(0, 1, 11) if pull else np.array([1.0])
                each = [held_out(curves, median, truth, fold, weights) for fold in folds]
                values, found = np.array([e[0] for e in each]), sum((e[1] for e in each), [])
                picked = np.array([(*maps[m], w) for m, w in found])
                if not pull:
                    tested = np.tile(MEDIAN_DOSES, (count, 1))
                    there = np.array([predict(effective(tested, *m)) for m in picked[:FOLDS, :2]])  # the first split
                    shown[name + label] = np.median(there[folds[0], np.arange(count)], axis=0)
                text = f"potency {span(picked[:, 0])}"
                text += f", half-saturation {span(picked[:, 1])} uM" if label else ""
                text += f", weight {span(picked[:, 2])}" if pull else ""
                score(name + label + (", pulled to the median curve" if pull else ""),
                      shared + (", weight" if pull else ""), values, text)
            if not label and in_full:
                own = rmse(curves, truth).argmin(0)
                score(f"{name}, a potency for each line (sees ML210)", "one per line", curves[own, np.arange(count)],
                      f"quartiles {np.quantile(SCALES[own], 0.25):.2f} to {np.quantile(SCALES[own], 0.75):.2f}")

    print("\n| prediction of ML210 | shared numbers | median RMSE | quartiles | mean RMSE "
          "| median RMSE where ML162 kills half | found |\n|---|---|---|---|---|---|---|")
    print("\n".join(rows) + "\n")

    for label in ("", ", pulled to the median curve", ", ML210 saturates", ", ML210 saturates, pulled to the median curve"):
        compare("mechanism" + label, "shifted logistic" + label, errors)
    compare("mechanism", "shifted logistic, slopes of 10 at most", errors)
    for name in ("mechanism", "shifted logistic"):
        compare(name + ", ML210 saturates", name, errors)
        compare(name, "median ML210 curve of the other lines", errors)

    published(whole, mechanisms["V_GPX4"], shown)

    if arguments.lines:
        best = mechanisms["V_GPX4"]
        out = pd.DataFrame({"ModelID": tables["ML162"].index, "V_GPX4": best.values[:, 0],
                            "k_branching": best.values[:, 1], "spread": best.values[:, 2],
                            "unkillable": best.a / (best.a + best.b), "top": best.a + best.b} | errors)
        out.to_csv(arguments.lines, index=False)


def held_out(curves, median, truth, fold, weights):
    """Predictions of each fold with what is best for the median line of the other folds: a map of doses and a weight."""
    values, found = np.empty_like(truth), []
    for f in range(FOLDS):
        train = fold != f
        scores = np.array([np.median(rmse(w * curves[:, train] + (1 - w) * median[train], truth[train]), axis=1)
                           for w in weights])  # weights x maps
        w, m = np.unravel_index(scores.argmin(), scores.shape)
        found.append((m, weights[w]))
        values[fold == f] = weights[w] * curves[m, fold == f] + (1 - weights[w]) * median[fold == f]
    return values, found


def effective(doses, potency, half):
    """The ML162 that inactivates GPX4 as fast as these doses of ML210, whose activation in the cell may saturate."""
    return potency * doses / (1 + doses / half)


def span(values):
    low, high = min(values), max(values)
    return f"{low:.2g}" if low == high else f"{low:.2g} to {high:.2g}"


def medians_of_others(table, doses):
    grid = np.geomspace(1e-3, 33, 61)
    curves = logistic(table, np.tile(grid, (len(table), 1)))
    others = [np.median(np.delete(curves, i, axis=0), axis=0) for i in range(len(table))]
    return np.array([np.interp(np.log(d), np.log(grid), m) for d, m in zip(doses, others)])


def identified(mechanism, doses, measured):
    """How far settings may differ that explain a curve almost as well as the best one (RMSE at most 0.005 above)."""
    ranges = []
    for i in range(0, len(measured), 25):
        error, _, _ = mechanism.errors(doses[i], measured[i])
        near = mechanism.settings[error <= error.min() + 0.005]
        ranges.append(near.max(0) / near.min(0))
    v, k, s = np.median(ranges, axis=0)
    print(f"settings within 0.005 of the best span, in the median line, a factor of {v:.2g} in V_GPX4, {k:.2g} in "
          f"k_branching, {s:.2g} in the spread (the table: {V_GPX4[-1] / V_GPX4[0]:.2g}, "
          f"{K_BRANCHING[-1] / K_BRANCHING[0]:.2g}, {SPREADS[-1] / SPREADS[0]:.2g})")


def read(path):
    """All curves; and of the lines that are used: the curves, the doses at which they are read, the values there."""
    every = pd.read_csv(path)
    whole = {c: every[every.CompoundName == c].set_index("ModelID").sort_index() for c in ("ML162", "ML210")}
    for name, table in whole.items():
        if table.index.duplicated().any() or (table.DoseUnit != "uM").any():
            sys.exit(f"{path}: {name} has a line twice or a dose that is not in uM")
    shared = whole["ML162"].index.intersection(whole["ML210"].index)
    tables = {c: t.loc[shared] for c, t in whole.items()}
    # less than three decades of dose, or a level line through the points, do not say where a line responds
    wide = np.logical_and.reduce([t.MaximumDose / t.MinimumDose >= 1000 for t in tables.values()])
    sloped = tables["ML162"].Slope < -0.1
    print(f"{len(shared)} lines have both compounds; left out: {(~wide).sum()} tested over less than three decades, "
          f"{(wide & ~sloped).sum()} with a level ML162 curve (slope above -0.1)")
    tables = {c: t[wide & sloped] for c, t in tables.items()}
    doses = {c: np.geomspace(t.MinimumDose, t.MaximumDose, POINTS).T for c, t in tables.items()}
    return whole, tables, doses, {c: logistic(t, doses[c]) for c, t in tables.items()}


def logistic(table, doses, steepest=np.inf):
    """Published fits at doses (lines x doses). EC50 reaches 1e22 and slopes -800: the exponent is kept finite."""
    slope, middle = np.minimum(-table.Slope.to_numpy(), steepest), np.log(table.EC50.to_numpy())
    exponent = slope[:, None] * (np.log(doses) - middle[:, None])
    lower, upper = table.LowerAsymptote.to_numpy()[:, None], table.UpperAsymptote.to_numpy()[:, None]
    return lower + (upper - lower) / (1 + np.exp(np.clip(exponent, -500, 500)))


def rmse(predicted, measured):
    return np.sqrt(np.mean((predicted - measured) ** 2, axis=-1))


def find(given):
    built = HERE.parent.parent / "target" / "release" / "fenton"
    program = given or (str(built) if built.exists() else shutil.which("fenton"))
    return program or sys.exit("no fenton: build it (cargo build --release) or name it with --fenton")


def cell_table(program, model):
    """Live cells at the read-out, for one kind of cell each: V_GPX4 x k_branching x dose (0 first)."""
    with tempfile.TemporaryDirectory() as folder:
        rest = subprocess.run([program, "simulate", str(model), "--times", "0", "--columns", "V_GPX4,k_branching"],
                              check=True, capture_output=True, text=True).stdout.split()
        nominal = dict(zip(rest[0].split(","), map(float, rest[1].split(","))))
        grid = np.array([(v * nominal["V_GPX4"], k * nominal["k_branching"], d)
                         for v in V_GPX4 for k in K_BRANCHING for d in [0, *DOSES]])
        rows, result = Path(folder) / "rows.csv", Path(folder) / "result.csv"
        pd.DataFrame(grid, columns=["V_GPX4", "k_branching", "ML162"]).to_csv(rows, index=False)
        subprocess.run([program, "simulate", str(model), "--parameters", str(rows), "--times", f"0,{READ_OUT}",
                        "--columns", "live", "--engine", "cpu", "--output", str(result)], check=True)
        table = pd.read_csv(result)
    live = np.full(len(grid), np.nan)
    table = table[table.time == READ_OUT]
    live[table.instance - 1] = table.live
    failed = ~np.isfinite(live)
    print(f"{len(grid)} cells simulated, {failed.sum()} failed (counted as dead)")
    live[failed] = 0
    return live.reshape(len(V_GPX4), len(K_BRANCHING), 1 + len(DOSES))


class Mechanism:
    """All settings of a line: V_GPX4, k_branching and the spread of one of them over its cells."""

    def __init__(self, table, spread_of):
        axis = {"V_GPX4": 0, "k_branching": 1}[spread_of]
        logs = np.log([V_GPX4, K_BRANCHING][axis])
        middle = np.linspace(logs[0], logs[-1], FINE * (len(logs) - 1) + 1)
        quantiles = normal_quantiles(41)
        curves, values = [], []
        for spread in SPREADS:
            at = np.clip(middle[:, None] + spread * quantiles, logs[0], logs[-1])  # beyond the table: as at its edge
            weight = np.array([np.bincount(j, w, len(logs)) for j, w in zip(*split(at, logs))])
            mean = np.tensordot(weight, table, axes=(1, axis))  # settings x other x doses
            other = np.log([V_GPX4, K_BRANCHING][1 - axis])
            for i, m in enumerate(middle):
                for j, o in enumerate(other):
                    control = mean[i, j, 0]
                    # more than half of the cells would die without any compound: not a line that grows in culture
                    if control < 0.5 * table[..., 0].max():
                        continue
                    curves.append(mean[i, j, 1:] / control)
                    values.append((m, o, spread) if axis == 0 else (o, m, spread))
        self.curves, self.seen = np.array(curves), {}
        self.settings = np.array(values)
        self.settings[:, :2] = np.exp(self.settings[:, :2])

    def fit(self, doses, measured):
        """The best setting of each line."""
        found = []
        for d, y in zip(doses, measured):
            error, a, b = self.errors(d, y)
            k = error.argmin()
            found.append((k, a[k], b[k]))
        best, self.a, self.b = map(np.array, zip(*found))
        self.best, self.values = best, self.settings[best]
        return self

    def errors(self, doses, y):
        """RMSE of all settings on one curve, each with the best top and share that nothing kills: a + b * setting."""
        key = tuple(doses)
        if key not in self.seen:
            s = self.at(np.arange(len(self.curves)), np.tile(doses, (len(self.curves), 1)))
            self.seen[key] = s, s.mean(1), np.maximum(s.var(1), 1e-12), ((1 - s) ** 2).mean(1), (s * s).mean(1)
        s, mean, variance, square, plain = self.seen[key]
        product = s @ y / len(y)
        b = (product - mean * y.mean()) / variance
        a = y.mean() - b * mean
        below = a < 0  # nothing below zero
        b = np.where(below, product / np.maximum(plain, 1e-12), b)
        a = np.where(below, 0, a)
        top = np.clip(a + b, *TOP)
        # y = top - b * (1 - s), for tops at a bound
        again = (top * (1 - mean) - y.mean() + product) / np.maximum(square, 1e-12)
        b = np.clip(np.where(top != a + b, again, b), 0, top)
        a = top - b
        moment = (a * a + 2 * a * b * mean + b * b * plain) - 2 * (a * y.mean() + b * product) + (y * y).mean()
        return np.sqrt(np.maximum(moment, 0)), a, b

    def at(self, which, doses):
        """Curves `which` at doses (rows x doses), straight between the doses of the table."""
        x = (np.log(doses) - np.log(DOSES[0])) / (np.log(DOSES[-1] / DOSES[0]) / (len(DOSES) - 1))
        x = np.clip(x, 0, len(DOSES) - 1)
        j = np.minimum(x.astype(int), len(DOSES) - 2)
        rows = np.asarray(which)[:, None]
        return self.curves[rows, j] * (1 - (x - j)) + self.curves[rows, j + 1] * (x - j)

    def predict(self, doses):
        return self.a[:, None] + self.b[:, None] * self.at(self.best, doses)


def split(at, logs):
    """For each row of points: the nodes beside each and their weights, for straight interpolation."""
    x = (at - logs[0]) / (logs[1] - logs[0])
    j = np.clip(x.astype(int), 0, len(logs) - 2)
    f = x - j
    n = at.shape[1]
    return np.concatenate([j, j + 1], 1), np.concatenate([1 - f, f], 1) / n


def normal_quantiles(n):
    """Middles of n parts of the normal law of equal probability."""
    from statistics import NormalDist
    return np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])


def compare(a, b, errors):
    difference = errors[a] - errors[b]
    draws = np.random.default_rng(SEED).integers(0, len(difference), (2000, len(difference)))
    middle = np.quantile(np.median(difference[draws], axis=1), [0.025, 0.975])
    of_medians = np.quantile(np.median(errors[a][draws], 1) - np.median(errors[b][draws], 1), [0.025, 0.975])
    print(f"{a} against {b}: smaller error in {100 * np.mean(difference < 0):.0f} % of lines; "
          f"in the median line {np.median(difference):+.4f} (95 % {middle[0]:+.4f} to {middle[1]:+.4f}); median RMSE "
          f"{np.median(errors[a]) - np.median(errors[b]):+.4f} (95 % {of_medians[0]:+.4f} to {of_medians[1]:+.4f})")


def published(whole, mechanism, shown):
    """The medians over lines at the doses of a published attempt, which fitted ML162 and predicted ML210 unchanged."""
    doses = MEDIAN_DOSES
    ML162, ML210 = (np.median(logistic(whole[c], np.tile(doses, (len(whole[c]), 1))), axis=0) for c in ("ML162", "ML210"))
    error, a, b = mechanism.errors(doses, ML162)
    k = error.argmin()

    def predict(d):
        return a[k] + b[k] * mechanism.at([k], d[None])[0]

    print(f"\nMedians over lines at {len(doses)} doses, RMSE (published attempt: 0.0504 fitted to ML162, 0.0689 on ML210)\n"
          f"one mechanism for the medians, fitted to ML162: {error[k]:.4f}\n"
          f"ML210, predicted by it unchanged: {rmse(predict(doses), ML210):.4f}\n"
          f"ML210, the ML162 medians themselves: {rmse(ML162, ML210):.4f}\n"
          f"ML210, by it with the best potency (sees ML210): {min(rmse(predict(doses * s), ML210) for s in SCALES):.4f}")
    for name, median in shown.items():
        print(f"ML210, medians of the lines' predictions, {name}: {rmse(median, ML210):.4f}")


if __name__ == "__main__":
    main()
