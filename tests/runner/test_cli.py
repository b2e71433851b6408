"""The `echolib` command: what it plans, runs, refuses, and how it ends."""

import re
import time

import pytest
from typer.testing import CliRunner

from echolib import cli
from echolib.papers.profiles import PROFILES
from echolib.runner import run as study_run
from echolib.runner.execute import NotebookStopped
from echolib.runner.notebook import StudyError


@pytest.fixture
def home(write_notebook, tmp_path, monkeypatch):
    """A home with one notebook that has experiments behind it; nothing is simulated."""
    write_notebook(
        "02_echonet_dynamic",
        parameters='profile = "demo"\nechonet_dynamic = ""\ncamus = ""\nechonet_lvh = ""\nepochs = 3\n',
    )
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    monkeypatch.setattr("echolib.phantom.writers.missing.write_missing_phantom", lambda *args, **kwargs: None)
    for name in ("ECHONET_DYNAMIC", "CAMUS", "ECHONET_LVH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def executed(monkeypatch):
    """The parameters and the deadline of each execution, which stages nothing but a record."""
    calls = []

    def execute(notebook, parameters, stem, *, home, deadline, cell_timeout, on_line):
        calls.append((parameters, deadline, cell_timeout))
        staged = stem.with_name(stem.name + ".report-1")
        staged.mkdir(parents=True, exist_ok=True)
        (staged / "record.json").write_text("{}")
        stem.with_name(stem.name + ".ipynb").write_bytes(notebook.path.read_bytes())
        return staged

    monkeypatch.setattr(study_run, "execute", execute)
    return calls


def echolib(*words: str):
    return CliRunner().invoke(cli.app, list(words))


def test_plan_lists_every_experiment_and_its_cost_and_writes_nothing(home, executed):
    before = sorted(home.rglob("*"))
    result = echolib("study", "--profile", "smoke", "--plan")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "02_echonet_dynamic   to run" in lines
    experiments = [line for line in lines if "PFLOP" in line]
    assert [line.split()[0] for line in experiments][:4] == [
        "ef-r2plus1d_18-32px-1epochs-seed0",
        "ef-r3d_18-32px-1epochs-seed0",
        "ef-mc3_18-32px-1epochs-seed0",
        "echonet-deeplabv3-seed0",
    ]
    assert all(line.endswith("new: its data are not there yet") for line in experiments)
    epochs, items = re.search(r"(\d+) epochs x +(\d+) items", experiments[0]).groups()
    assert PROFILES["smoke"].phantom["echonet_dynamic"] == 24  # 9 of 16 train, and 4 of the 8 left
    assert (int(epochs), int(items)) == (PROFILES["smoke"].clips.epochs, 9 + 4)
    assert re.search(
        rf"^{len(experiments)} experiments, 0 done; training the rest takes about \d+ (s|min|h) on", lines[-1]
    )
    assert executed == [] and sorted(home.rglob("*")) == before


def test_run_passes_profile_folders_parameters_and_limits(home, executed, tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    options = ["--data", f"echonet_lvh={real}", "-p", "epochs=7", "--minutes", "5", "--cell-timeout", "60"]
    result = echolib("study", "--profile", "smoke", *options)
    assert result.exit_code == 0, result.output
    ((parameters, deadline, timeout),) = executed
    assert parameters == {"profile": "smoke", "echonet_lvh": str(real), "epochs": 7}
    assert 0 < deadline - time.time() <= 300 and timeout == 60
    assert "experiments, 0 done" in result.output and "README.md" in result.output
    assert "up to date" in echolib("study", "--profile", "smoke", *options).output
    assert len(executed) == 1


def test_out_of_minutes_ends_well_and_says_how_to_go_on(home, executed, monkeypatch):
    result = echolib("study", "--profile", "smoke", "--minutes", "0")
    assert result.exit_code == 0 and executed == []
    assert "Stopped after 0 minutes; everything so far is kept. The same command goes on." in result.output

    def stop(*args, **kwargs):
        raise NotebookStopped("2 of 9 epochs done")

    monkeypatch.setattr(study_run, "execute", stop)
    result = echolib("study", "--profile", "smoke", "--minutes", "9")
    assert result.exit_code == 0 and "Stopped after 9 minutes" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--profile", "tiny"], "no profile 'tiny': one of smoke, demo, full, gpu, paper, gpu_core"),
        (["--profile", "paper"], "the profile 'paper' has no phantom"),
        (["--data", "camus=/nowhere"], "CAMUS: no folder /nowhere"),
        (["--data", "mnist=/nowhere"], "write NAME=FOLDER with one of the names"),
        (["-p", "epoch=3"], "no notebook asked for has this parameter; they have"),
        (["-p", "profile=smoke"], "use --profile"),
        (["-p", "epochs"], "write NAME=VALUE"),
        (["-p", "epochs=many"], "epochs = 'many' is not a int"),
        (["--only", "77"], "no notebook starts with '77'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(home, executed, words, message):
    result = echolib("study", *words)
    assert result.exit_code == 1 and executed == []
    assert message in result.stderr and "Traceback" not in result.output
    assert result.stderr.count("error:") == 1


def test_interrupted_by_hand_says_how_to_go_on(home, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(study_run, "execute", interrupt)
    result = echolib("study", "--profile", "smoke")
    assert result.exit_code == 130 and "The same command goes on." in result.output


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["study", "--data", f"camus=/{LONG}"], "File name too long; give a shorter name"),
        (["study", "--only", LONG], "no notebook starts with"),
        (["study", "-p", f"{LONG}=1"], "no notebook asked for has this parameter"),
        (["study", "-p", f"epochs={LONG}"], "is not a int as 3 is"),
        (["study", "--profile", LONG], "one of smoke, demo, full, gpu, paper, gpu_core"),
        (["phantom", "/proc/nowhere"], "/proc/nowhere.lock"),
    ],
    ids=["data", "only", "parameter", "value", "profile", "unwritable"],
)
def test_what_the_system_refuses_is_said_in_one_short_line(home, executed, words, message):
    result = echolib(*words)
    assert result.exit_code == 1 and executed == []
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1 and len(result.stderr) < 1100


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(28, "No space left on device", "/home/a/last.safetensors"),
            "a/last.safetensors: No space left on device; make",
        ),
        (PermissionError(13, "Permission denied", "/home/a/runs"), "/home/a/runs: Permission denied; choose a folder"),
        (
            OSError(30, "Read-only file system", "/home/a", None, "/home/b"),
            "/home/a and /home/b: Read-only file system",
        ),
        (OSError("cannot read the header"), "OSError: cannot read the header; see that"),
        (MemoryError("Unable to allocate 64. TiB"), "out of memory: Unable to allocate 64. TiB; close"),
    ],
)
def test_errors_of_the_system_name_path_reason_and_fix(home, monkeypatch, error, words):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(study_run, "execute", fail)
    result = echolib("study", "--profile", "smoke")
    assert result.exit_code == 1 and words in result.stderr
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.output


def test_settings_that_do_not_fit_are_said_in_one_line(home, monkeypatch):
    from echolib.engine.schedule import Schedule

    monkeypatch.setattr(study_run, "execute", lambda *args, **kwargs: Schedule.model_validate({"epochs": "many"}))
    result = echolib("study", "--profile", "smoke")
    assert result.exit_code == 1 and "Schedule" in result.stderr and "many" in result.stderr
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.output


def test_other_mistakes_keep_their_traceback(home, monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(study_run, "execute", fail)
    assert isinstance(echolib("study", "--profile", "smoke").exception, ValueError)


def test_a_reader_that_has_enough_is_no_error(home, monkeypatch):
    def fail(*args, **kwargs):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(study_run, "execute", fail)
    result = echolib("study", "--profile", "smoke")
    assert result.exit_code == 1 and result.stderr == ""


def test_an_error_of_a_million_lines_is_cut(home, monkeypatch):
    def fail(*args, **kwargs):
        raise StudyError("\n".join(f"row {row}" for row in range(10**6)))

    monkeypatch.setattr(study_run, "execute", fail)
    lines = echolib("study", "--profile", "smoke").stderr.splitlines()
    assert lines[0] == "error: row 0" and lines[-1] == "... and 999950 more lines" and len(lines) == 51


@pytest.mark.parametrize(
    ("cell", "words", "message"),
    [
        (
            "raise OSError(28, 'No space left on device', '/cache/frames')",
            [],
            "OSError: [Errno 28] No space left on device",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", [], "its kernel died"),
        ("import threading; threading.Event().wait()", ["--cell-timeout", "2"], "a cell ran longer than 2 seconds"),
    ],
    ids=["cell", "kernel", "time"],
)
def test_a_notebook_that_fails_keeps_itself_and_its_log_and_no_stamp(home, write_notebook, cell, words, message):
    write_notebook("03_x", "print('so far')", cell)
    result = echolib("study", "--profile", "smoke", "--only", "03", *words)
    place = home / "runs/notebooks/smoke"
    assert result.exit_code == 1 and "error: 03_x: " in result.stderr
    assert message in result.stderr and f"log:    {place / '03_x.log'}" in result.stderr
    assert "Traceback" not in result.output and "so far" in (place / "03_x.ipynb").read_text()
    assert "so far" in (place / "03_x.log").read_text() and message in (place / "03_x.log").read_text()
    assert not (place / "03_x.json").exists() and not (home / "reports").exists()
    assert not list(place.glob("*.report*"))
