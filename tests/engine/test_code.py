"""What a result rests on: edits that matter change exactly the keys that rest on them, and nothing else does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from echolib.engine.code import code_of, code_of_source, syntax_hash

ROOT = Path(__file__).resolve().parents[2]


def test_comments_docstrings_and_formatting_are_no_part_of_code():
    first = 'def f(x):\n    """Doubles."""\n    return 2 * x  # twice\n'
    second = '"""A module."""\n# a comment\ndef f(\n    x,\n):\n    """Twice."""\n\n    return (2 * x)\n'
    assert syntax_hash(first) == syntax_hash(second)
    assert syntax_hash(first) != syntax_hash(first.replace("2 * x", "3 * x"))
    assert syntax_hash("x = 'a'") != syntax_hash("x = 'b'")
    assert syntax_hash("async def f(): pass") != syntax_hash("def f(): pass")


def test_annotations_of_functions_are_no_part_of_code_but_fields_are():
    plain = "def f(x, *, k=1):\n    return x * k\n"
    shaped = "from echolib.shapes import Clip\n\ndef f(x: Clip, *, k: int = 1) -> Clip:\n    return x * k\n"
    assert syntax_hash(plain) == syntax_hash(shaped)
    assert syntax_hash("class A:\n    k: int = 1\n") != syntax_hash("class A:\n    k: float = 1\n")
    assert "shapes.py" not in code_of_source("from echolib.losses.byol import byol")


def test_a_string_that_is_no_docstring_counts():
    assert syntax_hash("def f():\n    x = 1\n    'kept'\n") != syntax_hash("def f():\n    x = 1\n    'other'\n")


def test_a_task_rests_on_its_modules_bases_and_the_loop():
    from echolib.tasks.segmentation import Segmentation

    files = code_of(Segmentation)
    assert {"tasks/segmentation.py", "engine/task.py", "engine/trainer.py", "engine/schedule.py"} <= files.keys()
    assert not any(file.endswith("__init__.py") for file in files)
    assert not any(file.startswith(("papers/", "report/", "runner/")) for file in files)


def test_a_face_counts_as_the_modules_that_define_what_is_taken_from_it():
    files = code_of_source("from echolib.metrics import dice, mae")
    assert {"metrics/masks.py", "metrics/ejection.py"} <= files.keys()
    assert "metrics/surface.py" not in files and "metrics/__init__.py" not in files


def test_so_does_a_face_that_imports_its_names_when_they_are_asked_for():
    files = code_of_source("from echolib.data import CAMUS")
    assert {"data/readers/camus.py", "data/dataset_entry.py"} <= files.keys()
    assert "data/readers/echonet_lvh.py" not in files and "data/__init__.py" not in files
    assert {"data/readers/camus.py", "data/readers/echonet_lvh.py"} <= code_of_source("import echolib.data").keys()


KEYS = """
import json, sys
from pathlib import Path
from echolib.folders import DataFolders
from echolib.papers.registry import experiments_of, make_setup, papers
from echolib.engine.experiment import in_order
from echolib.workspace import Workspace

folders = DataFolders({}, Workspace(Path(sys.argv[1])).phantom("smoke"))
asked = []
for paper in papers().values():
    for notebook in paper.notebooks:
        parameters = {"profile": "smoke", "settings": "printed", "denominator": "negatives", "convention": "paper"}
        asked += experiments_of(notebook, make_setup(parameters, folders))
tasks = {e.name: sorted({type(other.task).__name__ for other in [*e.ancestors(), e]}) for e in in_order(asked)}
print(json.dumps({e.name: [e.key(), tasks[e.name]] for e in in_order(asked)}))
"""


def keys_with(package: Path, home: Path) -> dict[str, list]:
    """Key and the task classes of every experiment of the study, by a copy of the package."""
    environment = {**os.environ, "PYTHONPATH": str(package)}
    command = [sys.executable, "-c", KEYS, str(home)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=package, check=True)
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory, phantom) -> Path:
    """A home whose smoke phantom is there."""
    home = tmp_path_factory.mktemp("home")
    (home / "data").mkdir()
    (home / "data" / "phantom-smoke").symlink_to(phantom)
    return home


def test_an_edited_equation_makes_exactly_its_experiments_to_run(tmp_path, home):
    shutil.copytree(ROOT / "echolib", tmp_path / "echolib", ignore=shutil.ignore_patterns("__pycache__"))
    before = keys_with(tmp_path, home)
    loss = tmp_path / "echolib" / "losses" / "ldw_supcon.py"
    written = loss.read_text()

    loss.write_text("# a comment\n" + written)
    assert keys_with(tmp_path, home) == before

    assert written.count("/ temperature") == 1
    loss.write_text(written.replace("/ temperature", "/ (2 * temperature)"))
    after = keys_with(tmp_path, home)
    changed = {name for name in before if before[name][0] != after[name][0]}
    resting = {name for name, (_, tasks) in before.items() if "LDWSupConEF" in tasks}
    assert changed == resting
    assert 0 < len(resting) < len(before) / 2
