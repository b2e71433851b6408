"""Experiments on a small phantom: keys, folders, reuse, parents, locks, sweeps, and the three tasks end to end."""

import json
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from echolib.engine import experiment as engine
from echolib.engine import sweep
from echolib.engine.experiment import Experiment, Place, cost, is_done, trained_model
from echolib.engine.training import OutOfTime
from echolib.papers import plan
from echolib.papers.echonet_dynamic.experiments import beat_to_beat_experiment, camus_experiment, ef_experiments
from echolib.papers.profiles import PROFILES

SMOKE = PROFILES["smoke"]


@pytest.fixture
def place(tmp_path, phantom_cache) -> Place:
    return Place(tmp_path / "runs", phantom_cache, torch.device("cpu"))


def ef(phantom, network="mc3_18", **changes) -> Experiment:
    experiment = next(e for e in ef_experiments(SMOKE, phantom / "EchoNet-Dynamic") if e.task.network == network)
    return experiment.model_copy(update=changes)


def test_an_experiment_leaves_its_whole_story(phantom, place):
    result = engine.run(ef(phantom), place)
    files = {path.name for path in result.folder.iterdir()} - {".lock"}
    tables = ["predictions.csv", "clips.csv", "validation.csv"]
    expected = ["experiment.json", "log.csv", "best.safetensors", "metrics.json", *tables]
    assert files == set(expected)  # the resume state has gone
    truth = pd.read_csv(phantom / "EchoNet-Dynamic" / "FileList.csv").set_index("FileName")
    table = result.predictions.set_index("name")
    assert set(table.index) == set(truth.index[truth["Split"].str.upper() == "TEST"])
    np.testing.assert_allclose(table["label"], truth.loc[table.index, "EF"])
    clips = result.table("clips").groupby("name")["prediction"].mean()
    np.testing.assert_allclose(table["prediction"], clips.loc[table.index], rtol=1e-12)
    assert result.metrics["mae"] == pytest.approx((table["label"] - table["prediction"]).abs().mean())
    assert result.metrics["started_from"] == "random"


def test_a_finished_experiment_is_not_run_again(phantom, place, monkeypatch):
    first = engine.run(ef(phantom), place)
    assert is_done(ef(phantom), place.runs, place.cache)
    monkeypatch.setattr(engine, "_execute", lambda *args: pytest.fail("ran again"))
    ticks = []
    assert engine.run(ef(phantom), place, tick=ticks.append).folder == first.folder
    assert ticks == [SMOKE.clips.epochs]


def test_the_key_follows_what_matters_and_nothing_else(phantom, place, tmp_path):
    base = ef(phantom)
    key = base.key(place.cache)
    assert ef(phantom).key(place.cache) == key
    assert base.model_copy(update={"seed": 1}).key(place.cache) != key
    longer = base.schedule.model_copy(update={"epochs": 2})
    assert base.model_copy(update={"schedule": longer}).key(place.cache) != key
    assert base.model_copy(update={"parents": {"encoder": base}}).key(place.cache) != key
    moved = tmp_path / "elsewhere"
    moved.symlink_to(phantom / "EchoNet-Dynamic")
    source = base.data[0].model_copy(update={"folder": moved})
    assert base.model_copy(update={"data": (source,)}).key(place.cache) == key


def test_a_description_survives_json_and_refuses_what_it_does_not_know(phantom):
    base = ef(phantom)
    told = json.loads(base.model_dump_json())
    told["data"] = [source | {"folder": str(phantom / "EchoNet-Dynamic")} for source in told["data"]]
    again = Experiment.model_validate(told)
    assert again.task == base.task and again.schedule == base.schedule
    told["task"]["clip_lenght"] = 5
    with pytest.raises(ValidationError, match="clip_lenght"):
        Experiment.model_validate(told)


def test_two_that_want_the_same_experiment_train_it_once(phantom, place, monkeypatch):
    calls, execute = [], engine._execute
    monkeypatch.setattr(engine, "_execute", lambda *args: calls.append(1) or execute(*args))
    ef(phantom).key(place.cache)  # decoded beforehand
    folders = []
    threads = [threading.Thread(target=lambda: folders.append(engine.run(ef(phantom), place).folder)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and folders[0] == folders[1]


def test_an_experiment_stopped_by_the_clock_goes_on(phantom, place):
    with pytest.raises(OutOfTime):
        engine.run(ef(phantom), Place(place.runs, place.cache, place.device, deadline=0.0))
    assert not is_done(ef(phantom), place.runs, place.cache)
    engine.run(ef(phantom), place)
    assert is_done(ef(phantom), place.runs, place.cache)


def test_a_sweep_runs_parents_first_and_each_once(phantom, place, capsys):
    wanted = beat_to_beat_experiment(SMOKE, phantom / "EchoNet-Dynamic")
    results = sweep.run([wanted, wanted.parents["ef"], wanted], place, progress=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines] == [
        "echonet-r2plus1d_18-seed0", "echonet-deeplabv3", "beat-to-beat-echonet-r2plus1d_18-seed0"
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
    assert sweep.run([wanted], place, progress=False) and not capsys.readouterr().out  # silent when all is there


def test_camus_masks_are_scored_and_measured(phantom, place):
    result = engine.run(camus_experiment(SMOKE, phantom / "CAMUS"), place)
    table = result.predictions
    assert set(table["phase"]) == {"ED", "ES"} and (table.groupby("person").size() == 2).all()
    assert table["row_mm"].gt(0).all()
    for name in ("lv", "epicardium", "atrium"):
        both, predicted, true = (table[f"{name}_{what}_px"] for what in ("overlap", "predicted", "true"))
        assert (both <= np.minimum(predicted, true)).all() and (true > 0).all()
        assert result.metrics[f"dice_{name}_pooled"] == pytest.approx(2 * both.sum() / (predicted + true).sum())
    volumes = table.pivot(index="person", columns="phase", values="true_volume_ml")
    assert (volumes["ED"] > volumes["ES"]).all() and volumes["ED"].between(20, 400).all()


def test_a_trained_model_gives_its_own_predictions_again(phantom, place):
    result = engine.run(ef(phantom), place)
    model, data = trained_model(result, place)
    with torch.no_grad():
        again = result.experiment.task.predict(model, data)["predictions"]
    np.testing.assert_allclose(again["prediction"], result.predictions["prediction"], rtol=1e-5)


@pytest.mark.parametrize("profile", ["gpu", "paper"])
def test_full_size_plans_are_counted_without_data(profile, tmp_path):
    folders = {"echonet_dynamic": tmp_path / "E", "camus": tmp_path / "C"}
    experiments = plan(profile, folders)["02_echonet_dynamic"]
    first = cost(experiments[0])
    assert first.parameters == 31_300_638
    assert first.gflop_per_item == pytest.approx(485, rel=0.01)  # measured on the published network, step of one clip
    assert (first.items > 0) == (profile == "gpu")  # the phantom's size is known before it is written


@pytest.mark.parametrize("number", range(5))
def test_one_full_size_training_step(number, tmp_path):
    """Each network of the paper profile at its own input size, one clip or two images, forward and backward."""
    folders = {"echonet_dynamic": tmp_path / "E", "camus": tmp_path / "C"}
    task = [
        each.task for each in plan("paper", folders)["02_echonet_dynamic"] if each.seed == 0 and each.schedule.epochs
    ]
    model, (inputs,) = task[number].workload("cpu")
    images = inputs.ndim == 4
    inputs = torch.randn(2 if images else 1, *inputs.shape[1:])
    target = torch.zeros_like(model(inputs)) if images else torch.tensor([40.0])
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-5 if images else 1e-4)
    loss = task[number].loss(model, (inputs, target))
    loss.backward()
    optimiser.step()
    assert torch.isfinite(loss) and all(torch.isfinite(p.grad).all() for p in model.parameters())
