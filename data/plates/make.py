"""Makes the example plates: python data/plates/make.py [SEED]. Needs numpy. Nobody measured these numbers.

Truth, in README.md too: log10 EC50 of each experiment = log10 EC50 + N(0, 0.08); gain of each plate = exp(N(0, 0.2));
noise of each well 6 % proportional and a small additive part.
"""

import os
import sys

import numpy as np

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 2026
HERE = os.path.dirname(os.path.abspath(__file__))
SHIFT, GAIN, CV = 0.08, 0.2, 0.06


def curve(dose, ec50, hill, bottom=0.0):
    return bottom + (1 - bottom) / (1 + (np.asarray(dose) / ec50) ** hill)


def shifted(rng, ec50):
    return ec50 * 10 ** rng.normal(0, SHIFT)


def well(rng, mean, additive):
    return max(mean * (1 + CV * rng.normal()) + additive * rng.normal(), 0)


def write(name, what, lines):
    head = f"# synthetic: python data/plates/make.py {SEED}\n# {what} Nobody measured this; truth in README.md.\n"
    with open(os.path.join(HERE, name), "w", newline="\n") as out:
        out.write(head + "\n".join(lines) + "\n")


def live_dead_times(rng):
    """Counts of live and dead cells in images, three experiments, RSL3 with and without ferrostatin-1."""
    lines = ["experiment,plate,well,cell line,RSL3 (uM),Fer-1 (uM),time (h),live,dead"]
    doses = [0, 0.01, 0.03, 0.1, 0.3, 1, 3]
    for experiment in range(1, 4):
        ec50 = shifted(rng, 0.15)
        for row, fer in enumerate([0, 0, 0, 1, 1, 1]):
            for column, dose in enumerate(doses):
                cells = rng.poisson(400)
                # Death sets in after 6 h and goes on at 0.2 per hour; ferrostatin-1 moves the curve 40-fold.
                lost = 1 - curve(dose, ec50 * (40 if fer else 1), 2.0, 0.05)
                for time in [2, 4, 6, 8, 10, 14, 18, 24, 36]:
                    share = 0.97 * (1 - lost * (1 - np.exp(-0.2 * max(time - 6, 0))))
                    seen = rng.poisson(cells)
                    live = rng.binomial(seen, share)
                    name = f"{'ABCDEF'[row]}{column + 1}"
                    lines.append(f"E{experiment},E{experiment},{name},HT-1080,{dose:g},{fer},{time},{live},{seen - live}")
    write("live-dead-times.csv", "Live and dead HT-1080 cells under RSL3, with and without ferrostatin-1.", lines)


def fac_plate(rng):
    """ATP of HT-1080 under iron citrate: a plate for each of three experiments, one map for all."""
    doses = [0.1, 0.3, 1, 2, 3, 5, 10, 20]
    numbers = "," + ",".join(str(c) for c in range(1, 13))
    contents = [["" for _ in range(12)] for _ in range(8)]
    for row in range(8):
        contents[row][0] = "vehicle" if row < 6 else "t0"
        for column, dose in enumerate(doses):
            contents[row][column + 1] = f"FAC {dose:g} mM" if row < 6 else f"blank FAC {dose:g} mM"
        contents[row][9] = "vehicle"
        contents[row][10] = "blank"
        contents[row][11] = "positive" if row < 4 else "empty"
    rows = [numbers] + [f"{'ABCDEFGH'[r]}," + ",".join(contents[r]) for r in range(8)]
    write("fac-plate-map.csv", "The map of fac-plate.csv: FAC in mM of iron citrate, cells in rows A to F.", rows)
    lines = []
    for experiment in range(1, 4):
        ec50, gain = shifted(rng, 4.0), 200_000 * np.exp(rng.normal(0, GAIN))
        lines += [f"Plate: FAC-{experiment}", f"Experiment: E{experiment}", "Time: 48 h", numbers]
        for row in range(8):
            values = []
            for column in range(12):
                what = contents[row][column]
                dose = float(what.split()[-2]) if "FAC" in what else 0.0
                # Brown medium takes up a little of the light, and gives some of its own.
                background = 900 + 60 * dose
                live = {"vehicle": 1.0, "t0": 0.35, "positive": 0.0, "blank": 0.0, "empty": None}.get(what)
                if what == "empty":
                    values.append("")
                    continue
                if live is None:
                    live = 0.0 if what.startswith("blank") else float(curve(dose, ec50, 2.5, 0.01))
                values.append(f"{well(rng, gain * live, 0) + max(background + 80 * rng.normal(), 0):.0f}")
            lines.append(f"{'ABCDEFGH'[row]}," + ",".join(values))
        lines.append("")
    write("fac-plate.csv", "ATP luminescence of HT-1080 after 48 h of ferric ammonium citrate, 16.5 % iron.", lines)


def erastin_wide(rng):
    """A wide table: doses down, three experiments of three wells across."""
    doses = [0, 0.1, 0.3, 1, 3, 10, 30]
    names = [f"exp{e} rep{r}" for e in range(1, 4) for r in range(1, 4)]
    table = np.zeros((len(doses) + 1, 9))
    for experiment in range(3):
        ec50, gain = shifted(rng, 1.2), 1.5 * np.exp(rng.normal(0, GAIN))
        for replicate in range(3):
            for at, dose in enumerate(doses):
                table[at, 3 * experiment + replicate] = well(rng, gain * float(curve(dose, ec50, 1.8, 0.04)), 0.01) + 0.06
            table[-1, 3 * experiment + replicate] = max(0.06 + 0.003 * rng.normal(), 0)
    lines = ["erastin (uM)," + ",".join(names)]
    lines += [f"{'vehicle' if d == 0 else f'{d:g}'}," + ",".join(f"{v:.3f}" for v in table[i]) for i, d in enumerate(doses)]
    lines.append("blank," + ",".join(f"{v:.3f}" for v in table[-1]))
    write("erastin-wide.csv", "Absorbance of HT-1080 after 24 h of erastin, three experiments of three wells.", lines)


generator = np.random.default_rng(SEED)
live_dead_times(generator)
fac_plate(generator)
erastin_wide(generator)
