"""Experiments side by side in worker processes: the same results, parents first, and what they raise."""

import time

import pytest
import torch

from echolib.engine import experiment as engine
from echolib.engine import sweep, workers
from echolib.engine.experiment import Place
from echolib.engine.training import OutOfTime
from echolib.papers.echonet_dynamic.experiments import beat_to_beat_experiment, ef_experiments
from echolib.papers.profiles import PROFILES

SMOKE = PROFILES["smoke"]


@pytest.fixture
def place(tmp_path, phantom_cache) -> Place:
    return Place(tmp_path / "runs", phantom_cache, torch.device("cpu"))


def experiments(phantom, epochs=1):
    found = ef_experiments(SMOKE, phantom / "EchoNet-Dynamic")
    schedules = (each.schedule.model_copy(update={"epochs": epochs}) for each in found)
    return [each.model_copy(update={"schedule": schedule}) for each, schedule in zip(found, schedules, strict=True)]


def test_only_enough_work_on_a_cpu_is_spread(phantom, place):
    few, many = experiments(phantom), experiments(phantom, epochs=workers.FEWEST_EPOCHS)
    torch.set_num_threads(2)
    assert workers.worker_count(few, place) == 1
    assert workers.worker_count(many, place) == 2
    assert workers.worker_count(many[:1], place) == 1
    gpu = Place(place.runs, place.cache, torch.device("cuda"))
    assert workers.worker_count(many, gpu) == 1
    torch.set_num_threads(1)
    assert workers.worker_count(many, place) == 1


def test_side_by_side_is_as_one_after_another(phantom, place, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workers, "FEWEST_EPOCHS", 2)
    torch.set_num_threads(2)
    beats = beat_to_beat_experiment(SMOKE, phantom / "EchoNet-Dynamic")
    plain = experiments(phantom)
    results = sweep.run([beats, *plain], place, progress=False)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split("]")[0] for line in lines) == [f"[{k}/5" for k in range(1, 6)]
    assert "beat-to-beat" in lines[-1] or lines.index(next(x for x in lines if "beat-to-beat" in x)) >= 2
    torch.set_num_threads(1)  # as each worker had
    alone = Place(tmp_path / "alone", place.cache, place.device)
    for result, experiment in zip(results[1:], plain, strict=True):
        expected = engine.run(experiment, alone)
        torch.testing.assert_close(
            torch.tensor(result.predictions["prediction"]), torch.tensor(expected.predictions["prediction"])
        )


def test_what_a_worker_raises_is_raised_here_and_the_work_goes_on_later(phantom, place, monkeypatch):
    monkeypatch.setattr(workers, "FEWEST_EPOCHS", 2)
    torch.set_num_threads(2)
    wanted = experiments(phantom)
    late = Place(place.runs, place.cache, place.device, deadline=time.time() - 1)
    with pytest.raises(OutOfTime):
        sweep.run(wanted, late, progress=False)
    assert len(sweep.run(wanted, place, progress=False)) == len(wanted)
