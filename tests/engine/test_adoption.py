"""Results and changed code: why an experiment is to run, what is taken over, and what lies in the folder of runs."""

import json

import pytest
import torch

from echolib.engine import experiment as experiments
from echolib.engine.adoption import adopt
from echolib.engine.changes import state
from echolib.engine.code import code_of
from echolib.engine.execution import is_done, run
from echolib.engine.experiment import Experiment, RunContext
from echolib.engine.finished import write_finished
from echolib.engine.inventory import remove, stored_runs
from echolib.engine.probe import FILE, differences
from echolib.engine.schedule import Schedule
from echolib.papers.echonet_dynamic.experiments import beat_to_beat_experiment, ef_experiments
from echolib.papers.profiles import PROFILES
from echolib.tasks.ef_regression import EFRegression

CPU = torch.device("cpu")


@pytest.fixture
def wanted(phantom) -> Experiment:
    """A small experiment of the study."""
    schedule = Schedule(epochs=2, batch_size=6, optimiser="adamw", learning_rate=1e-3)
    (first, *_) = ef_experiments(PROFILES["smoke"], phantom / "EchoNet-Dynamic", "r2plus1d_18")
    return first.model_copy(update={"schedule": schedule})


@pytest.fixture
def context(tmp_path, phantom_cache) -> RunContext:
    return RunContext(tmp_path / "runs", phantom_cache, CPU)


@pytest.fixture
def finished(wanted, context):
    """The experiment, finished by the code as it is."""
    torch.set_num_threads(1)
    return run(wanted, context)


@pytest.fixture
def edited(monkeypatch):
    """From now on the code of the loss is another one, as far as keys can tell."""

    def changed(task):
        return code_of(task) | {"tasks/ef_regression.py": "another"}

    monkeypatch.setattr(experiments, "code_of", changed)


def test_a_plan_says_why(finished, wanted, context, phantom, monkeypatch, tmp_path):
    assert state(wanted, context.runs, context.cache) == "done"
    quicker = wanted.schedule.model_copy(update={"learning_rate": 0.01})
    reason = state(wanted.model_copy(update={"schedule": quicker}), context.runs, context.cache)
    assert reason == "setting changed: learning_rate 0.001 -> 0.01"
    assert state(wanted.model_copy(update={"seed": 4}), context.runs, context.cache) == "setting changed: seed 0 -> 4"
    assert state(wanted.model_copy(update={"name": "other"}), context.runs, context.cache) == "new"
    elsewhere = wanted.data[0].model_copy(update={"folder": tmp_path / "nowhere"})
    moved = wanted.model_copy(update={"data": (elsewhere,)})
    assert state(moved, context.runs, context.cache).startswith("new: its data are not")
    monkeypatch.setattr(type(wanted.data[0]), "fingerprint", lambda self: "other pixels")
    assert state(wanted, context.runs, context.cache) == "data changed"


def test_a_plan_names_the_code_that_changed(finished, wanted, context, edited):
    assert state(wanted, context.runs, context.cache) == "code changed: tasks/ef_regression.py"
    assert not is_done(wanted, context.runs, context.cache)


def test_what_the_present_code_reproduces_is_adopted(finished, wanted, context, edited):
    (adoption,) = adopt([wanted], context)
    assert adoption.source == finished.folder.name and is_done(wanted, context.runs, context.cache)
    assert finished.folder.is_dir()  # nothing is deleted by a key that moved
    taken = wanted.folder(context.runs)
    assert (taken / "predictions.csv").read_bytes() == (finished.folder / "predictions.csv").read_bytes()
    metrics = json.loads((taken / "metrics.json").read_text())
    assert metrics["adopted"]["from"] == finished.folder.name
    assert metrics["adopted"]["code"] == ["tasks/ef_regression.py"]
    assert metrics["mae"] == finished.metrics["mae"]
    assert list(adopt([wanted], context)) == []  # all is there


def test_a_changed_loss_is_not_adopted(finished, wanted, context, edited, monkeypatch):
    loss = EFRegression.loss
    monkeypatch.setattr(EFRegression, "loss", lambda self, model, batch: 1.01 * loss(self, model, batch))
    (adoption,) = adopt([wanted], context)
    assert not adoption.source and "losses" in adoption.reason and not is_done(wanted, context.runs, context.cache)


def test_other_weights_are_not_adopted(finished, wanted, context, edited):
    """The miniature is reproduced, the predictions from the stored weights are not."""
    probe = json.loads((finished.folder / FILE).read_text())
    probe["predictions"]["predictions"]["prediction"][0] += 0.01
    (finished.folder / FILE).write_text(json.dumps(probe))
    (adoption,) = adopt([wanted], context)
    assert not adoption.source and "probe.json" in adoption.reason  # damaged
    sources = finished.metrics["sources"]
    write_finished(finished.folder, finished.metrics, sources)  # as if it had been written so
    (adoption,) = adopt([wanted], context)
    assert not adoption.source and "predictions prediction" in adoption.reason


@pytest.mark.parametrize("fault", ["no probe", "weights cut short"])
def test_a_damaged_result_is_not_adopted(finished, wanted, context, edited, fault):
    if fault == "no probe":
        (finished.folder / FILE).unlink()
    else:
        weights = finished.folder / "best.safetensors"
        weights.write_bytes(weights.read_bytes()[:-40])
    (adoption,) = adopt([wanted], context)
    assert not adoption.source and finished.folder.name in adoption.reason


def test_children_follow_their_parents(finished, wanted, context, edited, phantom):
    child = beat_to_beat_experiment(PROFILES["smoke"], phantom / "EchoNet-Dynamic", ef=wanted)
    outcomes = {adoption.experiment.name: adoption for adoption in adopt([child], context)}
    assert outcomes[wanted.name].source
    assert "segmenter is not there" in outcomes[child.name].reason


def test_differences_are_more_than_rounding():
    stored = {"losses": [1.0, 2.0], "predictions": {"clips": {"prediction": [50.0, float("nan")]}}}
    same = {"losses": [1.0 + 1e-7, 2.0], "predictions": {"clips": {"prediction": [50.0, float("nan")]}}}
    assert differences(stored, same) == []
    assert differences(stored, same | {"losses": [1.001, 2.0]}) == ["losses: [1.0, 2.0] is now [1.001, 2.0]"]
    assert differences(stored, {"losses": [1.0, 2.0]}) == ["predictions: only in one of them"]
    assert differences({"losses": [1.0]}, {"losses": [1.0, 2.0]}) != []


def test_runs_are_listed_and_what_nothing_asks_for_can_go(finished, wanted, context, edited):
    (stored,) = stored_runs(context.runs, [wanted])
    assert stored.folder == finished.folder and stored.finished and not stored.asked_for
    assert stored.mebibytes > 0 and stored.days < 1
    list(adopt([wanted], context))
    by_name = {run.folder.name: run for run in stored_runs(context.runs, [wanted])}
    assert by_name[wanted.folder_name()].asked_for and not by_name[finished.folder.name].asked_for
    remove([by_name[finished.folder.name]])
    assert not finished.folder.exists() and is_done(wanted, context.runs, context.cache)
    assert run(wanted, context).metrics["adopted"]["from"] == finished.folder.name


def test_the_probe_leaves_the_training_as_it_was(finished, wanted, context, tmp_path, monkeypatch):
    monkeypatch.setattr("echolib.engine.execution.write_probe", lambda *args: None)
    without = run(wanted, RunContext(tmp_path / "without", context.cache, CPU))
    for name in ("best.safetensors", "predictions.csv", "log.csv"):
        assert (without.folder / name).read_bytes() == (finished.folder / name).read_bytes()
