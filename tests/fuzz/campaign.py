"""Many corruptions, spread over everything that is read, and a table of what came of them.

    python -m tests.fuzz.campaign --trials 1000 [--seed 0] [--minutes 10] [--report FILE]

Exits with 1 where one was silent beyond the listed limits of its format, ended in a bare traceback, or hung.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.fuzz.corruptions import Corruption
from tests.fuzz.targets import TARGETS
from tests.fuzz.verdicts import BARE, HANG, SILENT, VERDICTS, Pristine, Target, Trial

SHARES = {  # of a hundred
    "AVI": 14, "MOV, MP4, DICOM": 7, "CSV, cfg, split lists": 18, "NIfTI, MHD": 27, "SHA256SUMS": 2, "records": 2,
    "store frames and manifest": 10, "store journal, partial": 4, "resume state, best weights, log": 9,
    "finished experiment": 7,
}  # fmt: skip


def spread(count: int) -> Iterator[Target]:
    """`count` targets, rooms by their shares, the targets of a room in turn."""
    turns = {room: 0 for room in SHARES}
    rooms = np.random.default_rng(0).permutation([room for room, share in SHARES.items() for _ in range(share)])
    for number in range(count):
        room = str(rooms[number % len(rooms)])
        yield TARGETS[room][turns[room] % len(TARGETS[room])]
        turns[room] += 1


def campaign(count: int, seed: int, deadline: float = float("inf")) -> Iterator[Trial]:
    """Corruptions one after another, until so many were made or the deadline (seconds since the epoch) has passed."""
    rng, made = np.random.default_rng(seed), dict[str, Pristine]()
    with tempfile.TemporaryDirectory() as scratch:
        for target in spread(count):
            if time.time() > deadline:
                return
            if target.name not in made:
                made[target.name] = Pristine.of(target, Path(scratch) / f"target{len(made)}")
            file = int(rng.integers(1000))
            yield made[target.name].attempt(file, Corruption.drawn(rng, made[target.name].kinds(file)))


def is_fault(trial: Trial) -> bool:
    """Whether a corruption ended as none may."""
    return trial.verdict in (BARE, HANG) or (trial.verdict == SILENT and not LIMITS[trial.target])


LIMITS = {target.name: target.limit for targets in TARGETS.values() for target in targets}


def summary(trials: list[Trial]) -> str:
    """The table of verdicts by target, in Markdown."""
    lines = ["| target | n | " + " | ".join(VERDICTS) + " | what may be silent |", "|---" * (len(VERDICTS) + 3) + "|"]
    for name in (*LIMITS, "sum"):
        counts = Counter(trial.verdict for trial in trials if name in ("sum", trial.target))
        numbers = [sum(counts.values()), *(counts[verdict] for verdict in VERDICTS)]
        lines.append(f"| {name} | " + " | ".join(map(str, numbers)) + f" | {LIMITS.get(name, '')} |")
    return "\n".join(lines) + "\n"


def report(trials: list[Trial], seed: int) -> str:
    """The table with what it means, in Markdown."""
    videos = {target.name for target in TARGETS["AVI"]}
    silent = sum(trial.verdict == SILENT for trial in trials if trial.target in videos)
    count = sum(trial.target in videos for trial in trials)
    return (
        f"{len(trials)} random corruptions of files (seed {seed}): bits flipped, blocks overwritten, zeroed, lost, "
        "swapped or written twice, files cut or continued, tables edited. Detected: refused with the file's name, said "
        "in a warning, or known to be damaged and made again. Silent: another result without a word.\n\n"
        f"{summary(trials)}\n"
        f"Silent in {silent} of {count} AVI files ({silent / max(count, 1):.1%}), all without a kept hash.\n"
    )


def main() -> int:
    """Runs a campaign from the command line."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--trials", type=int, default=sys.maxsize)
    asked.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    asked.add_argument("--minutes", type=float, default=float("inf"))
    asked.add_argument("--report", type=Path)
    words = asked.parse_args()
    print(f"seed {words.seed}", flush=True)
    trials = []
    for trial in campaign(words.trials, words.seed, time.time() + 60 * words.minutes):
        trials.append(trial)
        if is_fault(trial):
            print(f"{trial.verdict}: {trial.target}, {trial.file}, {trial.corruption} {trial.words[:300]}", flush=True)
    print(summary(trials))
    if words.report:
        words.report.write_text(report(trials, words.seed))
    return int(any(map(is_fault, trials)))


if __name__ == "__main__":
    sys.exit(main())
