"""The training loop under every fault: killed, out of time, NaN, damaged state."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from echolib.engine.checkpoint import ResumeError
from echolib.engine.schedule import Schedule
from echolib.engine.trainer import NonFiniteLoss, OutOfTime
from tests.engine import toy


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    toy.STEPS.clear()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("unbroken")
    toy.trainer(folder).run(toy.toy_model())
    return folder


def assert_same(folder: Path, reference: Path) -> None:
    for name in ("best.safetensors", "last/state.safetensors"):
        ours, theirs = load_file(folder / name), load_file(reference / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name
    assert (folder / "log.csv").read_bytes() == (reference / "log.csv").read_bytes()


@pytest.mark.parametrize("where", [["6"], ["-1", "write"]], ids=["mid-epoch", "inside the checkpoint's write"])
def test_killed_and_resumed_is_bitwise_equal(tmp_path, unbroken, where):
    process = subprocess.run([sys.executable, "-m", "tests.engine.toy", str(tmp_path), *where], check=False)
    assert process.returncode == -9
    assert len(pd.read_csv(tmp_path / "log.csv")) == 1  # one epoch was whole
    toy.trainer(tmp_path).run(toy.toy_model())
    assert_same(tmp_path, unbroken)


def test_training_goes_on_after_the_deadline(tmp_path, unbroken):
    with pytest.raises(OutOfTime, match="0 of 4 epochs"):
        toy.trainer(tmp_path, deadline=time.time() - 1).run(toy.toy_model())
    ticks = []

    def expire(share):
        ticks.append(share)
        if sum(ticks) > 1.5:
            unlucky.deadline = 0.0

    unlucky = toy.trainer(tmp_path, tick=expire)
    with pytest.raises(OutOfTime, match="2 of 4 epochs"):
        unlucky.run(toy.toy_model())
    toy.trainer(tmp_path).run(toy.toy_model())
    assert_same(tmp_path, unbroken)


def test_progress_adds_up_to_the_epochs(tmp_path):
    ticks = []
    toy.trainer(tmp_path, tick=ticks.append).run(toy.toy_model())
    assert sum(ticks) == pytest.approx(toy.SCHEDULE.epochs)
    ticks.clear()
    toy.trainer(tmp_path, tick=ticks.append).run(toy.toy_model())  # all done: nothing is trained again
    assert ticks == [toy.SCHEDULE.epochs]


def test_the_best_epoch_is_returned_and_never_replaced_by_worse(tmp_path):
    diverging = Schedule(epochs=6, batch_size=8, optimiser="sgd", learning_rate=0.05, momentum=0.99)
    model, reached = toy.trainer(tmp_path, schedule=diverging).run(toy.toy_model())
    losses = pd.read_csv(tmp_path / "log.csv")["val_loss"]
    assert reached.best_epoch == losses.idxmin() < len(losses) - 1
    with torch.no_grad():
        assert toy.Toy().validate(model, toy.toy_data())["loss"] == pytest.approx(losses.min())


def test_a_task_may_keep_its_last_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr(toy.Toy, "is_better", lambda self, loss, best: True)
    diverging = Schedule(epochs=6, batch_size=8, optimiser="sgd", learning_rate=0.05, momentum=0.99)
    model, reached = toy.trainer(tmp_path, schedule=diverging).run(toy.toy_model())
    losses = pd.read_csv(tmp_path / "log.csv")["val_loss"]
    assert reached.best_epoch == len(losses) - 1 != losses.idxmin()
    with torch.no_grad():
        assert toy.Toy().validate(model, toy.toy_data())["loss"] == pytest.approx(losses.iloc[-1])


def test_a_nan_loss_stops_and_names_the_items(tmp_path):
    with pytest.raises(NonFiniteLoss, match=r"epoch 0, step \d; items: .*item7\b"):
        toy.trainer(tmp_path, toy.Toy(poison=7)).run(toy.toy_model())
    assert not (tmp_path / "best.safetensors").exists()


def test_damaged_or_missing_resume_states_are_refused(tmp_path, unbroken):
    stopped = tmp_path / "stopped"
    toy.trainer(stopped).run(toy.toy_model())
    state = stopped / "last" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-40])
    with pytest.raises(ResumeError, match="damaged"):
        toy.trainer(stopped).run(toy.toy_model())
    state.unlink()
    with pytest.raises(ResumeError, match="missing"):
        toy.trainer(stopped).run(toy.toy_model())


def test_pickled_weights_are_refused_without_side_effect(tmp_path):
    import pickle

    class Malicious:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "owned",))

    toy.trainer(tmp_path).run(toy.toy_model())
    (tmp_path / "best.safetensors").write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(ResumeError, match="safetensors"):
        toy.trainer(tmp_path).run(toy.toy_model())
    assert not (tmp_path / "owned").exists()


def test_a_full_disk_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    from echolib.engine import checkpoint

    toy.trainer(tmp_path).run(toy.toy_model())
    before = (tmp_path / "best.safetensors").read_bytes()

    def full(tensors, path, metadata=None):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save_weights(toy.toy_model(), tmp_path / "best.safetensors")
    assert (tmp_path / "best.safetensors").read_bytes() == before
    assert not list(tmp_path.glob(".*.partial"))


def test_learning_rates_follow_their_closed_forms():
    def make(**fields):
        return Schedule(epochs=30, batch_size=1, optimiser="sgd", learning_rate=1.0, **fields)

    steps = make(decay="step", decay_every=15)
    assert [steps.rate_at(s, 10) for s in (0, 149, 150, 299)] == pytest.approx([1, 1, 0.1, 0.1])
    halving = make(decay="halving", halve_at=(5, 20), warmup_epochs=1)
    assert [halving.rate_at(s, 10) for s in (0, 9, 49, 50, 199, 200)] == pytest.approx([0.1, 1, 1, 0.5, 0.5, 0.25])
    cosine = make(decay="cosine", warmup_epochs=10)
    assert cosine.rate_at(0, 10) == pytest.approx(0.01)
    assert cosine.rate_at(99, 10) == pytest.approx(1)
    assert cosine.rate_at(200, 10) == pytest.approx(0.5)
    cycle = np.array([make(decay="one_cycle").rate_at(s, 10) for s in range(300)])
    assert cycle.argmax() in (89, 90)
    assert (np.diff(cycle[:89]) > 0).all() and (np.diff(cycle[91:]) < 0).all()
    assert cycle[-1] < 0.002


@pytest.mark.parametrize("name", ["sgd", "adam", "madgrad"])
def test_optimisers_resume_with_their_state(tmp_path, name):
    schedule = Schedule(epochs=2, batch_size=8, optimiser=name, learning_rate=1e-3)
    toy.trainer(tmp_path / "whole", schedule=schedule).run(toy.toy_model())

    def expire(share):
        if share:  # a step was made: let this epoch be the last
            halves.deadline = 0.0

    halves = toy.trainer(tmp_path / "halves", schedule=schedule, tick=expire)
    with pytest.raises(OutOfTime, match="1 of 2"):
        halves.run(toy.toy_model())
    toy.trainer(tmp_path / "halves", schedule=schedule).run(toy.toy_model())
    assert_same(tmp_path / "halves", tmp_path / "whole")
