"""A small study killed with kill -9 again and again, compared with one that nobody disturbed.

    python -m tests.fuzz.kills [--kills 20] [--seed 0]

Two networks of clips and one of images train for three epochs, with three seeds each. Exits with 1 where a file has
other bytes.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from echolib.engine.experiment import Experiment, RunContext
from echolib.engine.sweep import run_all
from echolib.papers.echonet_dynamic.experiments import camus_experiment, ef_experiments
from echolib.papers.profiles import PROFILES
from echolib.phantom import write_phantom

SMOKE = PROFILES["smoke"]
OWN = ("seconds", "training_seconds", "peak_memory_mib", "files")  # of metrics.json: they differ from run to run


def experiments(phantom: Path) -> list[Experiment]:
    """Convolutions of clips and of images, three epochs and three seeds each."""
    echonet, camus = phantom / "EchoNet-Dynamic", phantom / "CAMUS"
    found = [ef_experiments(SMOKE, echonet, network)[0] for network in ("r2plus1d_18", "mc3_18")]
    found.append(camus_experiment(SMOKE, camus))
    changes = {"epochs": 3, "optimiser": "adamw", "learning_rate": 1e-3}
    return [
        experiment.model_copy(update={"schedule": experiment.schedule.model_copy(update=changes), "seed": seed})
        for experiment in found
        for seed in range(3)
    ]


def train(home: Path) -> None:
    """What each process does: runs the study, or goes on with it."""
    torch.set_num_threads(1)
    print("begins", flush=True)
    phantom = write_phantom(home.parent / "phantom", SMOKE.phantom, progress=False)
    context = RunContext(home / "runs", home / "cache", torch.device("cpu"))
    run_all(experiments(phantom), context, progress=False)


def results(home: Path) -> dict[str, bytes]:
    """Every file that the study left, without what a clock wrote."""
    found = {}
    for path in sorted((home / "runs").rglob("*")):
        if path.is_file() and path.name not in (".lock", "metrics.json"):
            found[path.relative_to(home).as_posix()] = path.read_bytes()
        elif path.name == "metrics.json":
            metrics = json.loads(path.read_text())
            hashes = {name: file["sha256"] for name, file in metrics["files"].items()}
            kept = {name: value for name, value in metrics.items() if name not in (*OWN, "seal")}
            found[path.relative_to(home).as_posix()] = json.dumps([kept, hashes]).encode()
    return found


def killed(home: Path, whole: dict[str, bytes], kills: int, rng: np.random.Generator) -> Iterator[str]:
    """Runs studies to their ends, killed so often on the way; yields the files that differ from an undisturbed one."""
    while kills:
        process = start(home)
        assert process.stdout is not None
        process.stdout.readline()  # the libraries are loaded
        try:
            process.wait(float(rng.uniform(0.2, 5)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills -= 1
            logs = [len(path.read_text().splitlines()) - 1 for path in home.glob("runs/*/log.csv")]
            print(f"killed with {sum(logs)} epochs, {len(list(home.glob('runs/*/metrics.json')))} finished", flush=True)
            continue
        yield from differences(results(home), whole)
        shutil.rmtree(home)  # finished before its time: the other kills fall on another study
    finish(home)
    yield from differences(results(home), whole)


def differences(ours: dict[str, bytes], theirs: dict[str, bytes]) -> list[str]:
    """Files that are not the same in both."""
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def finish(home: Path) -> None:
    """Runs the study to its end."""
    process = start(home)
    process.communicate()
    if process.returncode:
        raise SystemExit("the study failed")


def start(home: Path) -> subprocess.Popen:
    """The study in a process of its own."""
    command = [sys.executable, "-m", "tests.fuzz.kills", "--train", str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def main() -> int:
    """Compares a study that was killed with one that was not."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=20)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--train", type=Path)
    words = asked.parse_args()
    if words.train:
        train(words.train)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        whole, disturbed = Path(scratch) / "whole", Path(scratch) / "disturbed"
        finish(whole)
        expected = results(whole)
        different = list(killed(disturbed, expected, words.kills, np.random.default_rng(words.seed)))
        print(f"{words.kills} kills, {len(expected)} files, {len(different)} of them different: {different}")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
