"""Real processes: several studies at once, and studies that are killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from echolib import cli
from echolib.runner.stamp import file_hash

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
import os, signal, sys
from echolib import cli
from echolib.phantom.writers import missing
missing.write_missing_phantom = lambda *words, **options: None  # the notebooks of these tests need none
if killed_after := int(os.environ.get("KILLED_AFTER", 0)):  # so many files of a report were moved
    from echolib.runner import publish
    moved, replace = [], os.replace
    def move(source, target):
        if len(moved) == killed_after:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        moved.extend([target] if ".report-" in str(source) else [])
    publish.os = type(sys)("os")
    publish.os.replace = move
cli.app(["study", "--profile", "smoke", "--cell-timeout", "120", *sys.argv[1:]])
"""
STAGE = """
import os
from pathlib import Path
report = Path(os.environ["ECHOLIB_REPORT"])
for number in range(27):
    (report / f"table_{number:02}.csv").write_text(f"of process {os.getpid()}")
"""
GATE = """
import os
from pathlib import Path
for gate, mode in (("begun", "w"), ("go_on", "r")):
    if os.path.exists(f"{os.environ['ECHOLIB_HOME']}/{gate}"):
        with open(f"{os.environ['ECHOLIB_HOME']}/{gate}", mode) as pipe:
            pipe.write(str(os.getpid())) if mode == "w" else pipe.read()
"""
MADE = {f"table_{number:02}.csv" for number in range(27)} | {"notebook.ipynb", "notebook.html"}


@pytest.fixture
def home(write_notebook, tmp_path, monkeypatch) -> Path:
    """A home with one notebook, which waits where a test has put a gate."""
    write_notebook("02_a", GATE, STAGE)
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("echolib.phantom.writers.missing.write_missing_phantom", lambda *args, **kwargs: None)
    for name in ("ECHONET_DYNAMIC", "CAMUS", "ECHONET_LVH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def start(*words: str, **variables: str) -> subprocess.Popen:
    """A study in a process of its own."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": ROOT}
    return subprocess.Popen([sys.executable, "-c", STUDY, *words], env={**os.environ, **variables}, **options)


def end(process: subprocess.Popen) -> str:
    """What it printed; it must have ended well."""
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def assert_whole(home: Path) -> None:
    """The report holds every file that one run staged, the stamp says so, and nothing else is left."""
    report, place = home / "reports/smoke/02_a", home / "runs/notebooks/smoke"
    assert {path.name for path in report.iterdir()} == MADE
    assert len({path.read_text() for path in report.glob("table_*.csv")}) == 1, "mixed from two runs"
    stamp = json.loads((place / "02_a.json").read_text())
    assert stamp["report"] == {path.name: file_hash(path) for path in report.iterdir()}
    left = {path.name for path in place.iterdir()} - {"02_a.lock", "publishing.lock"}
    assert left == {"02_a.ipynb", "02_a.log", "02_a.json"}
    assert not list((home / "reports").rglob("*.partial"))


@pytest.fixture
def gates(home):
    """Pipes at which the notebook says that it has begun, and waits until it may go on."""
    for gate in ("begun", "go_on"):
        os.mkfifo(home / gate)
    return home


def read_gate(home: Path) -> int:
    """Waits until a notebook has begun; its kernel's process."""
    return int((home / "begun").read_text())


def open_gates(home: Path) -> None:
    """Whoever waits goes on; whoever comes later does not wait."""
    for gate in ("begun", "go_on"):
        (home / gate).rename(home / f"{gate}_open")
    (home / "go_on_open").write_text("")


def test_the_second_of_two_studies_waits_and_finds_all_up_to_date(gates):
    first = start()
    read_gate(gates)
    second = start()
    said = next(line for line in second.stdout if "02_a" in line)
    assert said.strip() == "02_a: another study is at work on it; waiting"
    for words in (["study", "--profile", "smoke", "--plan"], ["runs"]):  # these wait for nobody
        looked = CliRunner().invoke(cli.app, words)
        assert looked.exit_code == 0, looked.output
    late = CliRunner().invoke(cli.app, ["study", "--profile", "smoke", "--minutes", "0.001"])
    assert late.exit_code == 0 and "Stopped after 0.001 minutes" in late.output
    open_gates(gates)
    assert "02_a: done" in end(first)
    rest = end(second)
    assert "02_a: up to date" in rest and "done" not in rest
    assert_whole(gates)


@pytest.mark.parametrize("epochs", [(1, 1), (1, 2)], ids=["alike", "unlike"])
def test_studies_started_together_leave_one_whole_report(home, epochs):
    outputs = [end(process) for process in [start("-p", f"epochs={number}") for number in epochs]]
    assert sum("02_a: done" in output for output in outputs) == len(set(epochs))
    assert_whole(home)


def test_killed_in_mid_notebook_and_run_again(gates):
    study = start()
    kernel = read_gate(gates)
    study.kill()
    study.wait()
    assert not (gates / "runs/notebooks/smoke/02_a.json").exists()
    os.kill(kernel, signal.SIGKILL)  # else it would write into its staging folder, which nobody reads any more
    for gate in ("begun", "go_on"):
        (gates / gate).unlink()
    study.stdout.close()
    end(start())
    assert_whole(gates)


def test_killed_while_it_publishes_and_run_again(home):
    for number in range(27):
        path = home / f"reports/smoke/02_a/table_{number:02}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of an earlier run")
    study = start(KILLED_AFTER="3")
    study.communicate(timeout=300)
    assert study.returncode == -signal.SIGKILL
    tables = {path.read_text() for path in (home / "reports/smoke/02_a").glob("table_*.csv")}
    assert len(tables) == 2, "the kill came too early or too late"
    assert not (home / "runs/notebooks/smoke/02_a.json").exists()
    assert "02_a: done" in end(start())
    assert_whole(home)
