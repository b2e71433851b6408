"""Training ahead of the notebooks: what it is asked for, when a notebook goes on, and how it ends."""

import os
import subprocess
import sys
import time

import pytest

from echolib.folders import locate
from echolib.papers.echonet_dynamic.experiments import NETWORKS, beat_to_beat_experiment, ef_experiments
from echolib.papers.profiles import PROFILES
from echolib.processes import TIED
from echolib.runner import ahead
from echolib.runner.ahead import Ahead, command
from echolib.runner.notebook import find_notebooks
from echolib.runner.request import Request
from echolib.runner.training import longest_first, queue
from echolib.workspace import Workspace

SMOKE = PROFILES["smoke"]


@pytest.fixture
def request_for(write_notebook, tmp_path):
    write_notebook("02_a")
    write_notebook("10_b", parameters='profile = "smoke"\n')
    folders = locate(Workspace(tmp_path), "smoke", {"camus": str(tmp_path)}, phantom=True)

    def make(**settings) -> Request:
        return Request(Workspace(tmp_path), "smoke", find_notebooks(tmp_path / "notebooks"), folders, settings)

    return make


def saying(text: str, then: str = "") -> list[str]:
    """A command that prints a text, and then does something."""
    return [sys.executable, "-c", f"print({text!r}, flush=True)\n{then}"]


def test_it_is_asked_for_what_the_notebooks_are(request_for, tmp_path):
    request = request_for(epochs=5)
    words = command(request, request.notebooks, None)
    assert words[1:6] == ["-m", "echolib", "train", "--profile", "smoke"]
    pairs = list(zip(words[6::2], words[7::2], strict=True))
    assert pairs == [
        ("--data", f"camus={tmp_path}"), ("--only", "02_a"), ("--only", "10_b"), ("--parameter", "epochs=5"),
    ]  # fmt: skip
    without = command(request, request.notebooks[1:], time.time() + 120)
    assert "--parameter" not in without  # which no notebook left has
    assert 1.5 < float(without[without.index("--minutes") + 1]) <= 2


def test_lines_are_handed_on_and_a_notebook_waits_for_its_own(request_for, monkeypatch):
    lines, finished = [], set()

    def hear(line: str) -> None:
        lines.append(line)
        finished.add(line)

    monkeypatch.setattr(ahead, "is_done", lambda experiment, runs, cache: experiment in finished)
    monkeypatch.setattr(ahead, "POLL", 0.01)
    process = Ahead(request_for(), saying("first", "import sys; sys.stdin.read()"), hear)
    process.wait_for(["first"])
    assert process.process.poll() is None and lines == ["first"]
    process.wait_for(["second"], deadline=time.time() - 1)
    process.close()
    assert process.process.poll() is not None


def test_what_failed_there_is_left_to_the_notebook(request_for, monkeypatch):
    monkeypatch.setattr(ahead, "is_done", lambda *asked: False)
    monkeypatch.setattr(ahead, "POLL", 0.01)
    process = Ahead(request_for(), saying("", "raise SystemExit('no disk')"), lambda line: None)
    process.wait_for(["never"])
    process.close()
    assert "no disk" in (request_for().workspace.execution("smoke", "training.log")).read_text()


def test_a_tied_command_ends_with_its_input():
    code = "from echolib.processes import end_with_input; end_with_input(); print('on', flush=True)"
    code += "; import threading; threading.Event().wait()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, TIED: "1"}
    ) as process:
        assert process.stdout.readline() == b"on\n"
        process.stdin.close()
        assert process.wait(timeout=20) == 1


def test_half_of_the_queue_goes_by_notebook_and_the_rest_by_length(request_for, monkeypatch):
    cost = {"one": 1, "three": 3, "two": 2, "five": 5, "four": 4}
    asked = {"02_a": ["one", "three"], "10_b": ["two"], "20_c": ["four", "five"]}
    monkeypatch.setattr("echolib.runner.training.asked_experiments", lambda request: asked.items())
    monkeypatch.setattr("echolib.runner.training.petaflop", cost.get)
    monkeypatch.setattr("echolib.runner.training.longest_first", lambda few: sorted(few, key=cost.get, reverse=True))
    monkeypatch.setattr("echolib.runner.training.in_order", list)
    assert queue(request_for()) == ["three", "one", "two", "five", "four"]
    asked["20_c"] = []
    asked["10_b"] = ["two", "five"]
    assert queue(request_for()) == ["three", "one", "five", "two"]


def test_what_takes_longest_begins_first(phantom):
    folder = phantom / "EchoNet-Dynamic"
    short, long, other = (experiment for network in NETWORKS for experiment in ef_experiments(SMOKE, folder, network))
    long = long.model_copy(update={"schedule": long.schedule.model_copy(update={"epochs": 50})})
    assert longest_first([short, long, other])[0] is long
    beats = beat_to_beat_experiment(SMOKE, folder, ef=long)  # which nothing is trained for but what it starts from
    assert longest_first([short, beats])[0] is beats
