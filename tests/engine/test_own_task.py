"""A researcher's own task, in a module or in a notebook, runs, resumes and is keyed like ours."""

import importlib
import json
import linecache
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from echolib.engine.code import code_of
from echolib.engine.execution import run
from echolib.engine.experiment import RunContext
from echolib.papers.echonet_dynamic.experiments import ef_experiments
from echolib.papers.profiles import PROFILES

OWN = '''
"""A loss of my own."""

import torch.nn.functional as F

from echolib.tasks.ef_regression import EFRegression
from my_losses import sharpened


class HuberEF(EFRegression):
    """Huber's loss in place of the squared error."""

    delta: float = 5.0

    def loss(self, model, batch):
        clips, ef = batch
        return sharpened(F.huber_loss(self.ejection_fraction(model(clips)), ef, delta=self.delta))
'''
LOSSES = "def sharpened(loss):\n    return 2 * loss  # twice\n"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with two modules of one's own; returns a function that imports the task afresh."""
    (tmp_path / "my_task.py").write_text(OWN)
    (tmp_path / "my_losses.py").write_text(LOSSES)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("my_task", "my_losses"):
        sys.modules.pop(name, None)


def test_a_task_of_a_module_runs_and_is_keyed(own, phantom, phantom_cache, tmp_path):
    task = importlib.import_module("my_task").HuberEF
    base = ef_experiments(PROFILES["smoke"], phantom / "EchoNet-Dynamic", "r2plus1d_18")[0]
    wanted = base.model_copy(update={"name": "mine", "task": task(**base.task.model_dump(), delta=3.0)})
    result = run(wanted, RunContext(tmp_path / "runs", phantom_cache, torch.device("cpu")))
    told = json.loads((result.folder / "experiment.json").read_text())
    assert told["task"]["class"] == "HuberEF" and told["task"]["delta"] == 3.0
    assert {"my_task.py", "my_losses.py", "tasks/ef_regression.py"} <= told["code"].keys()
    assert wanted.key() != base.model_copy(update={"name": "mine"}).key()
    other = wanted.model_copy(update={"task": wanted.task.model_copy(update={"delta": 4.0})})
    assert other.key() != wanted.key()


@pytest.mark.parametrize(("edit", "moves"), [("# twice", False), ("return 2", True)])
def test_its_key_follows_what_its_own_modules_compute(own, edit, moves):
    command = [sys.executable, "-c", "import json, my_task; from echolib.engine.code import code_of; "
               "print(json.dumps(code_of(my_task.HuberEF)))"]  # fmt: skip
    paths = os.pathsep.join([str(own), str(Path(__file__).resolve().parents[2])])
    environment = {**os.environ, "PYTHONPATH": paths}

    def files():
        shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        return json.loads(shown)

    before = files()
    (own / "my_losses.py").write_text(LOSSES.replace(edit, "return 3" if moves else "# two times"))
    after = files()
    assert (before != after) == moves
    assert {file for file in before if before[file] != after[file]} <= {"my_losses.py"}


def cell(number: int, source: str) -> None:
    """Executes a notebook's cell as a kernel does: in __main__, its source kept for tracebacks."""
    name = f"<cell {number}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), sys.modules["__main__"].__dict__)


def test_a_task_of_a_notebook_rests_on_its_cells(monkeypatch):
    main = sys.modules["__main__"]
    helper = "def sharpened(loss):\n    return 2 * loss\n"
    cell(1, helper + "import torch.nn.functional as F\nfrom echolib.metrics.ejection import mae\n")
    cell(2, OWN.replace("from my_losses import sharpened\n", "").replace('"""A loss of my own."""', ""))
    before = code_of(main.HuberEF)
    assert {"cell of HuberEF.loss", "cell of sharpened", "tasks/ef_regression.py"} <= before.keys()
    cell(1, "# a comment\n" + helper + "import torch.nn.functional as F\nfrom echolib.metrics.ejection import mae\n")
    assert code_of(main.HuberEF) == before
    cell(1, helper.replace("2", "3") + "import torch.nn.functional as F\nfrom echolib.metrics.ejection import mae\n")
    after = code_of(main.HuberEF)
    assert {name for name in before if before[name] != after[name]} == {"cell of sharpened"}
    for name in ("HuberEF", "sharpened", "F", "mae"):
        monkeypatch.delitem(main.__dict__, name)
