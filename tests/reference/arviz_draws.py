#!/usr/bin/env python3
"""Loads the draws that `fenton sample` has written with ArviZ, and compares its R-hat and effective sample sizes.

    pip install "arviz<1"
    fenton sample cucl2-slc31a1-hek293t -o posterior
    python tests/reference/arviz_draws.py posterior
"""
import csv
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
import arviz  # noqa: E402


def main():
    folder = Path(sys.argv[1])
    files = sorted(str(path) for path in folder.glob("draws-*.csv"))
    data = arviz.from_cmdstan(posterior=files)
    with open(folder / "parameters.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    worst = 0.0
    for row, name in zip(rows, data.posterior.data_vars):
        chains = data.posterior[name].values
        theirs = {
            "rhat": float(arviz.rhat(chains)),
            "ess_bulk": float(arviz.ess(chains, method="bulk")),
            "ess_tail": float(arviz.ess(chains, method="tail")),
        }
        for column, value in theirs.items():
            off = abs(float(row[column]) / value - 1)
            worst = max(worst, off)
            if off > 1e-6:
                print(f"{row['parameter']}: {column} {row[column]} here, {value} by ArviZ")
    print(f"{len(rows)} parameters, {len(files)} chains of {data.posterior.sizes['draw']} draws: largest difference {worst:.1e}")
    sys.exit(worst > 1e-6)


if __name__ == "__main__":
    main()
