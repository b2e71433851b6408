"""`echolib verify`: everything that was written is checked, every fault named, and nothing found is no success."""

import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from echolib.cli import app
from echolib.data.checksums import SUMS
from echolib.engine import execution
from echolib.engine.experiment import RunContext
from echolib.engine.finished import damage
from echolib.files import write_json
from echolib.papers.echonet_dynamic.experiments import ef_experiments
from echolib.papers.profiles import PROFILES
from echolib.runner.predictions import publish_predictions
from echolib.runner.stamp import file_hash
from echolib.sealed import write_sealed


def echolib(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def written(phantom, tmp_path_factory) -> Path:
    """A home with a phantom, a store, an experiment and a report with its stamp."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(phantom, home / "data" / "phantom-smoke")
    (experiment, *_) = ef_experiments(PROFILES["smoke"], home / "data" / "phantom-smoke" / "EchoNet-Dynamic", "mc3_18")
    execution.run(experiment, RunContext(home / "runs", home / "cache", torch.device("cpu")))
    table = home / "reports" / "smoke" / "01_one" / "table.csv"
    table.parent.mkdir(parents=True)
    table.write_text("method,mae\nMC3,5.1\n")
    run = experiment.folder(home / "runs").name
    record = {"experiments": {experiment.name: {"folder": run, "simulated": True}}}
    write_json(table.parent / "record.json", record)
    made = {"table.csv": file_hash(table)} | publish_predictions(table.parent, home / "runs")
    stamp = home / "runs" / "notebooks" / "smoke" / "01_one.json"
    stamp.parent.mkdir(parents=True)
    write_sealed(stamp, {"inputs": {}, "report": made})
    return home


@pytest.fixture
def home(written, tmp_path, monkeypatch) -> Path:
    """A copy of it, in which a test may do damage."""
    monkeypatch.setenv("ECHOLIB_HOME", str(written))
    shutil.copytree(written, tmp_path / "home")
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def one(home: Path, pattern: str) -> Path:
    return next(iter(sorted(home.glob(pattern))))


def test_everything_is_checked(home):
    result = echolib("verify", "--no-sources")
    assert result.exit_code == 0, result.output
    for kind, count in (("frames", 1), ("experiment", 1), ("phantom", 4), ("report", 1)):
        assert result.stdout.count(f"{kind} {home}") == count
    assert result.stdout.endswith("7 checked, all whole\n")


DAMAGED = (
    "cache/*/frames/manifest.json",
    "cache/*/frames/frames-*.u8",
    "runs/*-*/predictions.csv",
    "runs/*-*/best.safetensors",
    "runs/*-*/metrics.json",
    "data/phantom-smoke/CAMUS/database_nifti/patient0001/Info_2CH.cfg",
    "data/phantom-smoke/EchoNet-Dynamic/Videos/*.avi",
    f"data/phantom-smoke/truth/{SUMS}",
    "reports/smoke/01_one/table.csv",
    "reports/smoke/predictions/*.csv",
    "runs/notebooks/smoke/01_one.json",
)


@pytest.mark.parametrize("pattern", DAMAGED)
def test_one_changed_byte_is_named(home, pattern):
    path = one(home, pattern)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    result = echolib("verify", "--no-sources")
    assert result.exit_code == 1 and "error: 1 of 7 are not as they were written" in result.stderr
    fault = next(line for line in result.stderr.splitlines() if str(home) in line)
    assert not fault.endswith("whole") and "Traceback" not in result.output


@pytest.mark.parametrize("part", ["data/phantom-smoke/CAMUS/database_split/subgroup_testing.txt", "runs/*-*/log.csv"])
def test_what_is_missing_is_named(home, part):
    path = one(home, part)
    path.unlink()
    result = echolib("verify", "--no-sources")
    assert result.exit_code == 1 and path.name in result.stderr


def test_sources_are_checked_unless_they_are_elsewhere(home, written):
    video = one(home, "data/phantom-smoke/EchoNet-Dynamic/Videos/*.avi")
    store = one(home, "cache/*/frames")
    assert echolib("verify", store).exit_code == 0  # its sources are those it was decoded from
    assert video.name in {path.name for path in (written / "data").rglob("*.avi")}


def test_a_resume_state_is_checked_too(home):
    folder = one(home, "runs/*-*")
    (folder / "metrics.json").unlink()
    (folder / "last").mkdir()
    (folder / "last" / "state.safetensors").write_bytes(b"half a state")
    result = echolib("verify", folder)
    assert result.exit_code == 1 and "state.safetensors is damaged" in result.stderr
    assert damage(folder)


def test_nothing_found_is_no_success(tmp_path, monkeypatch):
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    result = echolib("verify")
    assert result.exit_code == 1 and "nothing was found to verify" in result.stderr
    result = echolib("verify", tmp_path)
    assert result.exit_code == 1 and f"{tmp_path} holds nothing that can be verified" in result.stderr


def test_hashes_are_written_on_request_and_verified(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "FileList.csv").write_text("FileName\n")
    assert echolib("checksums", tmp_path / "set").stdout.strip() == str(tmp_path / "set" / SUMS)
    assert echolib("verify", tmp_path / "set").exit_code == 0
    (tmp_path / "set" / "FileList.csv").write_text("FileNames\n")
    result = echolib("verify", tmp_path / "set")
    assert result.exit_code == 1 and "FileList.csv has another hash" in result.stderr
    result = echolib("checksums", tmp_path / "none")
    assert result.exit_code == 1 and "holds no file" in result.stderr
