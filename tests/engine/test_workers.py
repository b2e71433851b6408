"""Experiments side by side in worker processes: the same results, parents first, and what they raise."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from echolib.engine import sweep, workers
from echolib.engine.experiment import RunContext
from echolib.engine.trainer import OutOfTime
from echolib.engine.workers import WorkerDied
from echolib.papers.echonet_dynamic.experiments import NETWORKS, beat_to_beat_experiment, ef_experiments
from echolib.papers.profiles import PROFILES
from echolib.portable import CORES
from echolib.tasks.ef_regression import EFRegression

SMOKE = PROFILES["smoke"]


@pytest.fixture
def context(tmp_path, phantom_cache) -> RunContext:
    return RunContext(tmp_path / "runs", phantom_cache, torch.device("cpu"))


def experiments(phantom, epochs=1):
    folder = phantom / "EchoNet-Dynamic"
    trained = [experiment for network in NETWORKS for experiment in ef_experiments(SMOKE, folder, network)]
    schedule = trained[0].schedule.model_copy(update={"epochs": epochs})
    return [experiment.model_copy(update={"schedule": schedule}) for experiment in trained]


def test_only_enough_work_on_a_cpu_is_spread(phantom, context, monkeypatch):
    few, many = experiments(phantom), experiments(phantom, epochs=workers.FEWEST_EPOCHS)
    torch.set_num_threads(2)
    assert workers.worker_count(few, context) == 1
    assert workers.worker_count(many, context) == 2
    assert workers.worker_count(many[:1], context) == 1
    gpu = RunContext(context.runs, context.cache, torch.device("cuda"))
    assert workers.worker_count(many, gpu) == 1
    torch.set_num_threads(1)
    assert workers.worker_count(many, context) == 1
    monkeypatch.setattr(workers, "is_portable", lambda: True)  # each training has one thread, whatever the machine
    monkeypatch.setenv(CORES, "2")
    assert workers.worker_count(many, context) == 2


def test_side_by_side_is_as_one_after_another(phantom, context, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workers, "FEWEST_EPOCHS", 2)
    torch.set_num_threads(2)
    beats = beat_to_beat_experiment(SMOKE, phantom / "EchoNet-Dynamic")
    plain = experiments(phantom)
    results = sweep.run_all([beats, *plain], context, progress=False)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split("]")[0] for line in lines) == [f"[{k}/5" for k in range(1, 6)]
    assert "beat-to-beat" in lines[-1] or lines.index(next(x for x in lines if "beat-to-beat" in x)) >= 2
    monkeypatch.setattr(workers, "FEWEST_EPOCHS", 10**6)
    alone = RunContext(tmp_path / "alone", context.cache, context.device)
    for result, expected in zip(results, sweep.run_all([beats, *plain], alone, progress=False), strict=True):
        files = [folder / "predictions.csv" for folder in (result.folder, expected.folder)]
        assert files[0].read_bytes() == files[1].read_bytes()  # the same number of threads, whatever the company
    assert torch.get_num_threads() == 2


def test_what_a_worker_raises_is_raised_here_and_the_work_goes_on_later(phantom, context, monkeypatch):
    monkeypatch.setattr(workers, "FEWEST_EPOCHS", 2)
    torch.set_num_threads(2)
    wanted = experiments(phantom)
    late = RunContext(context.runs, context.cache, context.device, deadline=time.time() - 1)
    with pytest.raises(OutOfTime):
        sweep.run_all(wanted, late, progress=False)
    assert len(sweep.run_all(wanted, context, progress=False)) == len(wanted)


class Dying(EFRegression):
    """EF regression whose process is killed in its first step."""

    def loss(self, model, batch):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_was_killed_is_named_with_its_experiments(phantom, context, monkeypatch):
    monkeypatch.setattr(workers, "FEWEST_EPOCHS", 2)
    torch.set_num_threads(2)
    whole, *_ = experiments(phantom)
    dying = whole.model_copy(update={"name": "dying", "task": Dying(**whole.task.model_dump())})
    with pytest.raises(WorkerDied, match=r"trained one of .*dying.* died: memory ran out, or it was killed"):
        sweep.run_all([dying, whole], context, progress=False)
    assert sweep.run_all([whole], context, progress=False)[0].metrics["epochs"] == 1  # a new pool


ALONE = """
import os, sys
from tests.engine.test_workers import wait_for_the_parent
from echolib.engine import workers
if __name__ == "__main__":
    pool = workers._pool(1)
    pool.submit(wait_for_the_parent, sys.argv[1]).result()
"""


def wait_for_the_parent(file: str) -> None:
    """Tells its process number, kills its parent and waits for the end that this should bring."""
    Path(file).write_text(str(os.getpid()))
    os.kill(os.getppid(), signal.SIGKILL)
    threading.Event().wait(600)


def test_a_worker_ends_with_its_parent(tmp_path):
    file = tmp_path / "worker"
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", ALONE, str(file)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert parent.wait(120) == -signal.SIGKILL
    try:
        handle = os.pidfd_open(int(file.read_text()))
    except ProcessLookupError:
        return
    assert select.select([handle], [], [], 60)[0], "the worker outlived its parent"
    os.close(handle)
