"""A finished experiment is verified when it is opened: what was damaged, or whose data changed, is run again."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from echolib.data import selection as selections
from echolib.data.checksums import write_checksums
from echolib.engine import execution
from echolib.engine.changes import state
from echolib.engine.checkpoint import ResumeError
from echolib.engine.experiment import Experiment, Result, RunContext
from echolib.engine.finished import damage
from echolib.engine.inventory import stored_runs
from echolib.engine.schedule import Schedule
from echolib.engine.task import Parent
from echolib.papers.echonet_dynamic.experiments import ef_experiments
from echolib.papers.profiles import PROFILES

CPU = torch.device("cpu")
FILES = ("experiment.json", "predictions.csv", "clips.csv", "log.csv", "probe.json", "metrics.json", "best.safetensors")


def small(folder: Path) -> Experiment:
    (first, *_) = ef_experiments(PROFILES["smoke"], folder, "mc3_18")
    schedule = Schedule(epochs=1, batch_size=8, optimiser="adamw", learning_rate=1e-3)
    return first.model_copy(update={"schedule": schedule})


@pytest.fixture(scope="module")
def once(phantom, phantom_cache, tmp_path_factory) -> Path:
    """Runs with one finished experiment."""
    torch.set_num_threads(1)
    runs = tmp_path_factory.mktemp("once")
    execution.run(small(phantom / "EchoNet-Dynamic"), RunContext(runs, phantom_cache, CPU))
    return runs


@pytest.fixture
def context(once, phantom_cache, tmp_path) -> RunContext:
    torch.set_num_threads(1)
    shutil.copytree(once, tmp_path / "runs")
    return RunContext(tmp_path / "runs", phantom_cache, CPU)


@pytest.fixture
def wanted(phantom) -> Experiment:
    return small(phantom / "EchoNet-Dynamic")


def change_a_byte(path: Path) -> None:
    """One byte becomes another, so that the file still reads as what it is."""
    content = bytearray(path.read_bytes())
    place = max(k for k in range(len(content)) if chr(content[k]) in "123456789")
    content[place] = ord("7") if content[place] != ord("7") else ord("8")
    path.write_bytes(content)


def test_all_that_was_written_is_hashed(wanted, context):
    folder = wanted.folder(context.runs)
    assert set(json.loads((folder / "metrics.json").read_text())["files"]) == {
        path.name for path in folder.iterdir() if path.name not in ("metrics.json", ".lock")
    }
    assert execution.is_done(wanted, context.runs, context.cache) and damage(folder) == ""


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


CHANGES = [(name, change) for name in FILES for change in (change_a_byte, cut, Path.unlink)]
CHANGES.remove(("metrics.json", Path.unlink))  # then it is not finished


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=lambda part: getattr(part, "__name__", part))
def test_every_file_that_changed_is_named_and_the_experiment_runs_again(wanted, context, once, name, change):
    folder = wanted.folder(context.runs)
    change(folder / name)
    assert name in damage(folder)
    if not name.endswith(".safetensors"):  # which are hashed where they are needed
        reason = state(wanted, context.runs, context.cache)
        assert reason.startswith("damaged: ") and name in reason
        assert not execution.is_done(wanted, context.runs, context.cache)
    with pytest.warns(UserWarning, match=f"is run again: damaged: .*{name}"):
        execution.run(wanted, context)
    assert damage(folder) == ""
    for file in ("predictions.csv", "best.safetensors"):
        assert (folder / file).read_bytes() == (wanted.folder(once) / file).read_bytes()


def test_without_its_metrics_it_is_not_restarted_in_silence(wanted, context):
    (wanted.folder(context.runs) / "metrics.json").unlink()
    with pytest.raises(ResumeError, match=r"log\.csv says epochs were run: delete"):
        execution.run(wanted, context)


def test_nothing_is_hashed_twice_while_nobody_writes(wanted, context, monkeypatch):
    folder = wanted.folder(context.runs)
    assert damage(folder) == ""
    monkeypatch.setattr("echolib.engine.finished.file_sha256", lambda path: pytest.fail(f"{path} was hashed again"))
    assert damage(folder) == ""


def test_damaged_weights_are_refused_with_a_cure_that_helps(wanted, context):
    folder = wanted.folder(context.runs)
    content = bytearray((folder / "best.safetensors").read_bytes())
    content[-5] ^= 1
    (folder / "best.safetensors").write_bytes(content)
    with pytest.raises(ResumeError, match="delete it and run again"):
        _ = Parent(wanted.task, folder).weights
    with pytest.raises(ResumeError, match="delete it and run again"):
        execution.trained_model(Result(wanted, folder), context)
    (folder / "best.safetensors").unlink()
    with pytest.warns(UserWarning, match="not as written: best.safetensors"):
        execution.run(wanted, context)
    assert Parent(wanted.task, folder).weights


def test_a_video_that_changed_under_its_name_is_data_that_changed(phantom, tmp_path):
    """The data's fingerprint knows videos by name and size; what was decoded knows their content."""
    torch.set_num_threads(1)
    folder = shutil.copytree(phantom / "EchoNet-Dynamic", tmp_path / "EchoNet-Dynamic")
    wanted, context = small(folder), RunContext(tmp_path / "runs", tmp_path / "cache", CPU)
    execution.run(wanted, context)
    video = sorted((folder / "Videos").iterdir())[0]
    content = bytearray(video.read_bytes())
    content[content.index(b"INFOISFT") + 14] ^= 1  # the name of the program that wrote it: the same pixels
    video.write_bytes(content)
    write_checksums(folder)
    for function in (selections._tables, selections._sources, selections._open):
        function.cache_clear()
    assert state(wanted, context.runs, context.cache) == "data changed: the content of echonet_dynamic"
    with (
        pytest.warns(UserWarning, match="is run again: data changed"),
        pytest.warns(UserWarning, match="changed since they were decoded: decoded again"),
    ):
        execution.run(wanted, context)
    assert state(wanted, context.runs, context.cache) == "done"


def test_a_damaged_experiment_is_listed_and_can_go(wanted, context):
    (wanted.folder(context.runs) / "metrics.json").write_text("{")
    (stored,) = stored_runs(context.runs, [wanted])
    assert stored.finished and stored.asked_for
