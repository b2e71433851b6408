"""The training loop under every fault: killed, out of time, NaN, damaged state."""

import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from echolib.engine.schedule import Schedule
from echolib.engine.trainer import NonFiniteLoss, OutOfMemory, OutOfTime, epoch_seed, step_seed
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


class Greedy(toy.Toy):
    """Draws `extra` numbers more in each step, after its batch."""

    extra: int = 0

    def batch(self, data, items, generator):
        inputs, targets = super().batch(data, items, generator)
        DRAWN.append(inputs)
        torch.rand(self.extra, generator=generator)
        return inputs, targets


DRAWN: list[torch.Tensor] = []


def test_what_a_step_draws_more_changes_no_later_batch(tmp_path):
    """Each step draws from a seed of its own, the order of items from the epoch's."""
    schedule, drawn = toy.SCHEDULE.model_copy(update={"epochs": 2}), {}
    for extra in (0, 7):
        DRAWN.clear()
        toy.trainer(tmp_path / str(extra), Greedy(extra=extra), schedule).run(toy.toy_model())
        drawn[extra] = list(DRAWN)
    assert len(drawn[0]) == 2 * 4 and all(torch.equal(one, other) for one, other in zip(*drawn.values(), strict=True))
    data, numbers = toy.toy_data(), torch.Generator().manual_seed(epoch_seed(11, 1))
    items = torch.randperm(30, generator=numbers)[16:24]  # of the second epoch's third step
    noise = torch.randn(8, 4, generator=torch.Generator().manual_seed(step_seed(11, 1, 2)))
    assert torch.equal(drawn[7][4 + 2], data[items] + 0.1 * noise)


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


def test_a_nan_validation_loss_stops_and_keeps_the_epoch_before(tmp_path, monkeypatch):
    validate, calls = toy.Toy.validate, []

    def poisoned(self, model, data):
        calls.append(1)
        return validate(self, model, data) if len(calls) == 1 else {"loss": float("nan")}

    monkeypatch.setattr(toy.Toy, "validate", poisoned)
    with pytest.raises(NonFiniteLoss, match="validation loss nan after epoch 1"):
        toy.trainer(tmp_path).run(toy.toy_model())
    assert len(pd.read_csv(tmp_path / "log.csv")) == 1
    best = load_file(tmp_path / "best.safetensors")
    assert all(torch.isfinite(tensor.float()).all() for tensor in best.values())


def test_the_best_epoch_is_remembered_on_resume(tmp_path):
    """Killed after a best epoch and before worse ones: what was best before still is."""
    diverging = Schedule(epochs=6, batch_size=8, optimiser="sgd", learning_rate=0.05, momentum=0.99)
    _, whole = toy.trainer(tmp_path / "whole", schedule=diverging).run(toy.toy_model())
    assert whole.best_epoch < 4

    def after(share):
        ticks.append(share)
        if sum(ticks) > whole.best_epoch + 1.5:
            stopped.deadline = 0.0

    ticks: list[float] = []
    stopped = toy.trainer(tmp_path / "halves", schedule=diverging, tick=after)
    with pytest.raises(OutOfTime):
        stopped.run(toy.toy_model())
    _, resumed = toy.trainer(tmp_path / "halves", schedule=diverging).run(toy.toy_model())
    assert (resumed.best, resumed.best_epoch) == (whole.best, whole.best_epoch)
    assert_same(tmp_path / "halves", tmp_path / "whole")


OUT_OF_MEMORY = {
    "host": MemoryError("no more"),
    "device": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    "allocator": RuntimeError("[enforce fail at alloc_cpu.cpp:130] DefaultCPUAllocator: can't allocate memory"),
}


@pytest.mark.parametrize("kind", OUT_OF_MEMORY)
@pytest.mark.parametrize("where", ["loss", "validate"])
def test_out_of_memory_names_step_and_items_and_keeps_the_batch(tmp_path, monkeypatch, kind, where):
    sizes = len(toy.STEPS)

    def exhausted(self, *_):
        raise OUT_OF_MEMORY[kind]

    monkeypatch.setattr(toy.Toy, where, exhausted)
    words = r"epoch 0, step 0; items: item\d+(, item\d+){7}\." if where == "loss" else "validation"
    with pytest.raises(OutOfMemory, match=f"out of memory in {words}"):
        toy.trainer(tmp_path).run(toy.toy_model())
    assert set(toy.STEPS[sizes:]) <= {8, 6} and not (tmp_path / "best.safetensors").exists()


def test_another_error_of_a_step_is_not_called_memory(tmp_path, monkeypatch):
    def broken(self, *_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(toy.Toy, "loss", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2") as caught:
        toy.trainer(tmp_path).run(toy.toy_model())
    assert not isinstance(caught.value, OutOfMemory)


@pytest.mark.parametrize(
    ("factor", "refused"), [(1.0, False), (1.04, False), (1.2, True), (0.5, True), (math.nan, True)]
)
def test_a_first_loss_in_bf16_that_is_another_one_is_refused(tmp_path, monkeypatch, factor, refused):
    """Some pairs of torch and cuDNN are silently wrong for convolutions of clips in bf16."""
    torch.manual_seed(0)
    running = toy.trainer(tmp_path)
    model, loss, calls = running.begin(toy.toy_model()), toy.Toy.loss, []

    def low(self, model, batch):
        calls.append(1)
        return loss(self, model, batch) * (factor if len(calls) == 2 else 1.0)

    monkeypatch.setattr(toy.Toy, "loss", low)
    if refused:
        with pytest.raises(RuntimeError, match="bf16 and float32 disagree on the first loss"):
            running._compare_with_float32(model)
    else:
        running._compare_with_float32(model)


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
