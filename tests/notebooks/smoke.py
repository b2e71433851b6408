"""Runs every notebook in the smoke profile under nbval, and compares what each ran with what the plan says it runs.

    python tests/notebooks/smoke.py [WORD ...]     only notebooks whose name starts with one of the words

Copies with their parameters set, in a fresh home, so that what passes was really run: first with the notebooks' own
parameters, then those that have more of them with others.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from echolib.papers.registry import experiments_of
from echolib.runner.notebook import Notebook, find_notebooks
from echolib.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.studies import notebook_setup  # noqa: E402  (found once the root is on the path)

OTHERS = {"denominator": "all", "convention": "esc2021", "seeds": 2}  # where a notebook has one of them


def other_parameters(notebook: Notebook) -> dict[str, object]:
    """Parameters unlike a notebook's own; as many seeds only where nothing else can be changed: they cost the most."""
    others = {name: value for name, value in OTHERS.items() if name in notebook.parameters}
    return {name: value for name, value in others.items() if name != "seeds" or len(others) == 1}


def prepare(notebook: Notebook, folder: Path, parameters: Mapping[str, object]) -> Path:
    """A copy of a notebook with its parameters set by the same injection that the study uses."""
    notebook.require_kernel()
    values = notebook.accept({"profile": "smoke", **parameters})
    content = parameterize_notebook(load_notebook_node(str(notebook.path)), values)
    copy = folder / notebook.path.name
    nbformat.write(content, copy)
    return copy


def run(copies: list[Path], home: Path) -> int:
    """Runs copies under nbval, two at a time, each in one process; pytest's exit status."""
    options = ["--rootdir", str(home), "--durations=5", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
    options += ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600"]
    command = [sys.executable, "-m", "pytest", *options, *map(str, copies)]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "ECHOLIB_HOME": str(home), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=home, env=environment, check=False).returncode


def unlike_the_plan(notebook: Notebook, home: Path, parameters: Mapping[str, object]) -> list[str]:
    """The experiments that only the plan, or only the notebook's record, knows of."""
    workspace = Workspace(home)
    setup = notebook_setup(notebook.name, workspace.phantom("smoke"), parameters)
    planned = {experiment.folder_name() for experiment in experiments_of(notebook.name, setup)}
    record = json.loads((workspace.report("smoke", notebook.name) / "record.json").read_text(encoding="utf-8"))
    recorded = {experiment["folder"] for experiment in record["experiments"].values()}
    return sorted(planned ^ recorded)


def main(words: list[str]) -> int:
    """Both passes; 0 where every cell ran and every record holds what the plan says."""
    notebooks = find_notebooks(ROOT / "notebooks", words)
    with tempfile.TemporaryDirectory(prefix="echolib-smoke-") as folder:
        home = Path(folder)
        for name, choose in (("own", lambda notebook: {}), ("other", other_parameters)):
            chosen = [(notebook, choose(notebook)) for notebook in notebooks if name == "own" or choose(notebook)]
            (home / name).mkdir()
            copies = [prepare(notebook, home / name, parameters) for notebook, parameters in chosen]
            if copies and (status := run(copies, home)):
                return status
            for notebook, parameters in chosen:
                if difference := unlike_the_plan(notebook, home, parameters):
                    print(f"{notebook.name} {parameters}: plan and record differ in {', '.join(difference)}")
                    return 1
            print(f"plan and record agree: {len(chosen)} notebooks with {name} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
