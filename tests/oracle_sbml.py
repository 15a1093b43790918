#!/usr/bin/env python3
"""Compares `fenton simulate` with the results of the SBML semantic test suite.

Each case is turned into Antimony by the published `antimony` package, simulated by fenton, and compared with the
case's own results within the case's tolerances. The outcome is one of

  agrees      within the tolerances at all times
  refused     fenton names something that it does not support, with its place
  conversion  the Antimony text is another model than the case: converted back to SBML, libRoadRunner does not
              reproduce the results either (or there is no text at all)
  wrong       anything else

Outcomes are recorded in oracle_sbml.csv beside this file. The script fails if a case is wrong, or if its outcome is
worse than the recorded one.

    pip install antimony==3.3.0 libroadrunner==2.10.0
    tests/oracle_sbml.py FOLDER target/release/fenton        # FOLDER holds semantic-cases.tar.gz
"""

import argparse
import collections
import csv
import io
import math
import re
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import antimony
import roadrunner

RECORD = Path(__file__).with_suffix(".csv")
ORDER = ["agrees", "refused", "conversion", "wrong"]
# What a refusal says. Other errors are not refusals: a text that cannot be read is wrong.
REFUSAL = re.compile(r"(is|are) not supported|has no value")
EXIT_INPUT = 1


class Case:
    """One case of the suite: model, settings and the results to be found."""

    def __init__(self, name, files):
        self.name = name
        self.sbml = next(text for file, text in files.items() if file.endswith(".xml"))
        settings = next(text for file, text in files.items() if file.endswith("settings.txt"))
        self.settings = dict(line.split(":", 1) for line in settings.splitlines() if ":" in line)
        results = next(text for file, text in files.items() if file.endswith("results.csv"))
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(results)) if row]
        self.results = {name: [number(row[at]) for row in rows[1:]] for at, name in enumerate(rows[0])}
        self.times = next(column for name, column in self.results.items() if name.lower() == "time")

    def names(self, setting):
        return [name.strip() for name in self.settings.get(setting, "").split(",") if name.strip()]

    def number(self, setting):
        return float(self.settings[setting])

    def differs(self, found):
        """The first place where `found` (columns by name) is out of tolerance, or None."""
        absolute, relative = self.number("absolute"), self.number("relative")
        for name in self.names("variables"):
            expected = self.results[name]
            if len(found[name]) != len(expected):
                return f"{name}: {len(found[name])} values for {len(expected)}"
            for time, want, have in zip(self.times, expected, found[name]):
                if math.isnan(want) and math.isnan(have) or want == have:
                    continue
                if not abs(want - have) <= absolute + relative * abs(want):
                    return f"{name} at {time:g}: {have:.8g} for {want:.8g}"
        return None


def number(text):
    return float(text) if text else math.nan


def to_antimony(sbml):
    antimony.clearPreviousLoads()
    if antimony.loadSBMLString(sbml) < 0:
        return None
    return antimony.getAntimonyString(antimony.getMainModuleName())


def to_sbml(text):
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(text) < 0:
        return None
    return antimony.getSBMLString(antimony.getMainModuleName())


def renamed(name, text):
    """The conversion appends '_' to names that are words of Antimony."""
    known = set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", text)))
    return name + "_" if name + "_" in known else name


def run_fenton(binary, case, text, folder):
    """The columns that fenton finds, or (exit code, message)."""
    model = folder / f"{case.name}.ant"
    model.write_text(text)
    groups = collections.defaultdict(list)
    for name in case.names("variables"):
        form = "amounts" if name in case.names("amount") else "concentrations" if name in case.names("concentration") else ""
        groups[form].append(name)
    found = {}
    for form, names in groups.items():
        output = folder / f"{case.name}.csv"
        command = [
            binary, "simulate", str(model),
            "--until", repr(case.number("start") + case.number("duration")),
            "--points", str(int(case.number("steps")) + 1),
            "--columns", ",".join(renamed(name, text) for name in names),
            "--rtol", repr(min(1e-6, case.number("relative") * 1e-3)),
            "--atol", repr(case.number("absolute") * 1e-3),
            "--max-steps", "10000000",
            "--output", str(output),
        ]
        command += [f"--{form}"] if form else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            return None, (done.returncode, done.stderr.strip() or done.stdout.strip())
        with output.open() as file:
            rows = list(csv.reader(file))
        for at, name in enumerate(names):
            found[name] = [number(row[at + 1]) for row in rows[1:]]
    return found, None


def run_roadrunner(case, sbml, text):
    """The columns that libRoadRunner finds for the model, or None."""
    try:
        model = roadrunner.RoadRunner(sbml)
        model.integrator.absolute_tolerance = case.number("absolute") * 1e-4
        model.integrator.relative_tolerance = min(1e-8, case.number("relative") * 1e-4)
        ids = {name: renamed(name, text) if text else name for name in case.names("variables")}
        species = set(model.model.getFloatingSpeciesIds()) | set(model.model.getBoundarySpeciesIds())
        column = {
            name: f"[{id}]" if name in case.names("concentration") and id in species else id for name, id in ids.items()
        }
        model.timeCourseSelections = ["time"] + list(column.values())
        start, end = case.number("start"), case.number("start") + case.number("duration")
        values = model.simulate(start, end, int(case.number("steps")) + 1)
        return {name: [row[at + 1] for row in values] for at, name in enumerate(column)}
    except Exception:  # libRoadRunner raises all kinds for models that it cannot run
        return None


def round_trip(case, text):
    """Why the text is another model than the case, or None if it is the same."""
    sbml = to_sbml(text)
    if sbml is None:
        return "the text is not read back by libAntimony"
    found = run_roadrunner(case, sbml, text)
    if found is None:
        return "libRoadRunner cannot run the model converted back"
    difference = case.differs(found)
    return difference and f"libRoadRunner on the model converted back: {difference}"


def judge(case, text, result):
    """Outcome and reason, from what fenton made of the text."""
    found, failure = result
    if failure:
        code, message = failure
        lines = [line for line in message.splitlines() if line.strip()]
        first = re.sub(r"^.*?\.ant:\d+:\d+: ", "", lines[0]) if lines else "no message"
        if code == EXIT_INPUT and REFUSAL.search(first) and re.search(r"\.ant:\d+:\d+: ", lines[0]):
            return "refused", first
        reason = f"exit code {code}: {first}"
    else:
        reason = case.differs(found)
        if reason is None:
            return "agrees", ""
    broken = round_trip(case, text)
    return ("conversion", f"{broken}; fenton: {reason}") if broken else ("wrong", reason)


def read_cases(folder, only):
    files = collections.defaultdict(dict)
    with tarfile.open(folder / "semantic-cases.tar.gz") as archive:
        for member in archive.getmembers():
            if member.isfile():
                path = Path(member.name)
                files[path.parent.name][path.name] = archive.extractfile(member).read().decode()
    return [Case(name, files[name]) for name in sorted(files) if not only or name in only]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds semantic-cases.tar.gz")
    parser.add_argument("fenton", type=lambda path: str(Path(path).resolve()), help="the binary")
    parser.add_argument("--only", nargs="*", help="these cases alone")
    parser.add_argument("--record", action="store_true", help="write the outcomes to the recorded list")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    roadrunner.Logger.disableLogging()
    cases = read_cases(options.folder, options.only)
    texts = [to_antimony(case.sbml) for case in cases]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        run = lambda pair: pair[1] and run_fenton(options.fenton, pair[0], pair[1], Path(folder))
        results = list(pool.map(run, zip(cases, texts)))
    outcomes = {}
    for case, text, result in zip(cases, texts, results):
        outcomes[case.name] = judge(case, text, result) if text else ("conversion", "libAntimony cannot convert it")

    counts = collections.Counter(outcome for outcome, _ in outcomes.values())
    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in ORDER), f"of {len(cases)}")
    reasons = collections.Counter(reason for outcome, reason in outcomes.values() if outcome == "refused")
    for reason, count in reasons.most_common():
        print(f"  refused {count:4}  {reason}")

    recorded = {}
    if RECORD.exists():
        with RECORD.open() as file:
            recorded = {row["case"]: row["outcome"] for row in csv.DictReader(file)}
    failures = []
    for name, (outcome, reason) in outcomes.items():
        before = recorded.get(name)
        if outcome == "wrong":
            failures.append(f"{name} is wrong: {reason}")
        elif before and ORDER.index(outcome) > ORDER.index(before):
            failures.append(f"{name} was '{before}', now '{outcome}': {reason}")
    if options.record and not options.only:
        with RECORD.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["case", "outcome", "reason"])
            writer.writerows([name, outcome, reason] for name, (outcome, reason) in outcomes.items())
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
