"""Experiments on a small phantom: keys, folders, reuse, parents, locks, sweeps, and the three tasks end to end."""

import json
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from echolib.engine import execution, sweep
from echolib.engine.execution import is_done, trained_model
from echolib.engine.experiment import Experiment, RunContext, cost
from echolib.engine.trainer import OutOfTime
from echolib.papers.echonet_dynamic.experiments import beat_to_beat_experiment, camus_experiment, ef_experiments
from echolib.papers.profiles import PROFILES
from echolib.papers.registry import experiments_of
from tests.studies import notebook_setup

SMOKE = PROFILES["smoke"]


@pytest.fixture
def context(tmp_path, phantom_cache) -> RunContext:
    return RunContext(tmp_path / "runs", phantom_cache, torch.device("cpu"))


def ef(phantom, network="mc3_18", **changes) -> Experiment:
    (experiment,) = ef_experiments(SMOKE, phantom / "EchoNet-Dynamic", network)
    return experiment.model_copy(update=changes)


def test_an_experiment_leaves_its_whole_story(phantom, context):
    result = execution.run(ef(phantom), context)
    files = {path.name for path in result.folder.iterdir()} - {".lock"}
    tables = ["predictions.csv", "clips.csv", "validation.csv"]
    expected = ["experiment.json", "log.csv", "best.safetensors", "metrics.json", "probe.json", *tables]
    assert files == set(expected)  # the resume state has gone
    truth = pd.read_csv(phantom / "EchoNet-Dynamic" / "FileList.csv").set_index("FileName")
    table = result.predictions.set_index("name")
    assert set(table.index) == set(truth.index[truth["Split"].str.upper() == "TEST"])
    np.testing.assert_allclose(table["label"], truth.loc[table.index, "EF"])
    clips = result.table("clips").groupby("name")["prediction"].mean()
    np.testing.assert_allclose(table["prediction"], clips.loc[table.index], rtol=1e-12)
    assert result.metrics["mae"] == pytest.approx((table["label"] - table["prediction"]).abs().mean())
    assert result.metrics["started_from"] == "random"


def test_a_finished_experiment_is_not_run_again(phantom, context, monkeypatch):
    first = execution.run(ef(phantom), context)
    assert is_done(ef(phantom), context.runs, context.cache)
    monkeypatch.setattr(execution, "_execute", lambda *args: pytest.fail("ran again"))
    ticks = []
    assert execution.run(ef(phantom), context, tick=ticks.append).folder == first.folder
    assert ticks == [SMOKE.clips.epochs]


def test_the_key_follows_what_matters_and_nothing_else(phantom, context, tmp_path):
    base = ef(phantom)
    key = base.key()
    assert ef(phantom).key() == key
    assert base.model_copy(update={"seed": 1}).key() != key
    longer = base.schedule.model_copy(update={"epochs": 2})
    assert base.model_copy(update={"schedule": longer}).key() != key
    assert base.model_copy(update={"parents": {"encoder": base}}).key() != key
    moved = tmp_path / "elsewhere"
    moved.symlink_to(phantom / "EchoNet-Dynamic")
    source = base.data[0].model_copy(update={"folder": moved})
    assert base.model_copy(update={"data": (source,)}).key() == key


def test_a_description_says_everything_and_refuses_what_it_does_not_know(phantom):
    base = ef(phantom)
    told = json.loads(json.dumps(base.description()))
    assert told["task"]["class"] == "EFRegression" and told["task"]["network"] == "mc3_18"
    assert told["schedule"]["learning_rate"] == base.schedule.learning_rate and told["seed"] == 0
    assert told["code"]["tasks/ef_regression.py"] and len(told["fingerprints"]) == 1
    with pytest.raises(ValidationError, match="clip_lenght"):
        type(base.task)(**base.task.model_dump(), clip_lenght=5)


def test_two_that_want_the_same_experiment_train_it_once(phantom, context, monkeypatch):
    calls, execute = [], execution._execute
    monkeypatch.setattr(execution, "_execute", lambda *args: calls.append(1) or execute(*args))
    folders = []
    threads = [
        threading.Thread(target=lambda: folders.append(execution.run(ef(phantom), context).folder)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and folders[0] == folders[1]


def test_an_experiment_stopped_by_the_clock_goes_on(phantom, context):
    with pytest.raises(OutOfTime):
        execution.run(ef(phantom), RunContext(context.runs, context.cache, context.device, deadline=0.0))
    assert not is_done(ef(phantom), context.runs, context.cache)
    execution.run(ef(phantom), context)
    assert is_done(ef(phantom), context.runs, context.cache)


def test_a_sweep_runs_parents_first_and_each_once(phantom, context, capsys):
    wanted = beat_to_beat_experiment(SMOKE, phantom / "EchoNet-Dynamic")
    results = sweep.run_all([wanted, wanted.parents["ef"], wanted], context, progress=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines] == [
        "ef-r2plus1d_18-32px-1epochs-seed0",
        "echonet-deeplabv3-seed0",
        "beat-to-beat-ef-r2plus1d_18-32px-1epochs-seed0",
    ]  # fmt: skip
    assert results[0].folder == results[2].folder
    table, areas, beats = (results[0].table(name) for name in ("predictions", "areas", "beats"))
    single = results[1].predictions.set_index("name")
    assert list(table["name"]) == list(single.index)
    frames = areas.groupby("name").size()
    assert (frames.loc[single.index] == single["frames"]).all()
    assert (areas["area_px"] <= 112 * 112).all()
    means = beats.groupby("name")["prediction"].mean()
    np.testing.assert_allclose(table["prediction"], means.loc[table["name"]])
    assert sweep.run_all([wanted], context, progress=False) and not capsys.readouterr().out  # silent when all is there


def test_camus_masks_are_scored_and_measured(phantom, context):
    result = execution.run(camus_experiment(SMOKE, phantom / "CAMUS"), context)
    table = result.predictions
    assert set(table["phase"]) == {"ED", "ES"} and (table.groupby("person").size() == 2).all()
    assert table["row_mm"].gt(0).all()
    for name in ("lv", "epicardium", "atrium"):
        both, predicted, true = (table[f"{name}_{what}_px"] for what in ("overlap", "predicted", "true"))
        assert (both <= np.minimum(predicted, true)).all() and (true > 0).all()
        assert result.metrics[f"dice_{name}_pooled"] == pytest.approx(2 * both.sum() / (predicted + true).sum())
    volumes = table.pivot(index="person", columns="phase", values="true_volume_ml")
    assert (volumes["ED"] > volumes["ES"]).all() and volumes["ED"].between(20, 400).all()


def test_a_trained_model_gives_its_own_predictions_again(phantom, context):
    result = execution.run(ef(phantom), context)
    model, data = trained_model(result, context)
    with torch.no_grad():
        again = result.experiment.task.predict(model, data)["predictions"]
    np.testing.assert_allclose(again["prediction"], result.predictions["prediction"], rtol=1e-5)


def asked(profile, folder):
    """What the notebook on EchoNet-Dynamic asks for, on data that are not there."""
    given = {"echonet_dynamic": folder / "E", "camus": folder / "C"}
    setup = notebook_setup("02_echonet_dynamic", folder, {"profile": profile}, given=given)
    return experiments_of("02_echonet_dynamic", setup)


@pytest.mark.parametrize("profile", ["gpu", "paper"])
def test_full_size_plans_are_counted_without_data(profile, tmp_path):
    first = cost(next(e for e in asked(profile, tmp_path) if e.name.startswith("ef-r2plus1d_18")))
    frames = PROFILES[profile].clips.length
    assert first.parameters == 31_300_638
    assert first.gflop_per_item == pytest.approx(frames / 32 * 485, rel=0.01)  # measured on the published network
    assert (first.items > 0) == (profile == "gpu")  # the phantom's size is known before it is written


@pytest.mark.parametrize("number", range(5))
def test_one_full_size_training_step(number, tmp_path):
    """Each network of the paper profile at its own input size, one clip or two images, forward and backward."""
    tasks = [e.task for e in asked("paper", tmp_path) if e.seed == 0 and e.schedule.epochs]
    model, (inputs,) = tasks[number].workload("cpu")
    images = inputs.ndim == 4
    inputs = torch.randn(2 if images else 1, *inputs.shape[1:])
    target = torch.zeros_like(model(inputs)) if images else torch.tensor([40.0])
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-5 if images else 1e-4)
    loss = tasks[number].loss(model, (inputs, target))
    loss.backward()
    optimiser.step()
    assert torch.isfinite(loss) and all(torch.isfinite(p.grad).all() for p in model.parameters())
