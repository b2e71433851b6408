"""Runs every notebook in the smoke profile under nbval: copies with that profile set, in a home of their own.

    python tests/notebooks/smoke.py [WORD ...]     only notebooks whose name starts with one of the words

A fresh home each time: nothing is reused, so that what passes was really run.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from echolib.runner.notebook import Notebook, find_notebooks

ROOT = Path(__file__).resolve().parents[2]


def prepare(notebook: Notebook, folder: Path) -> Path:
    """A copy of a notebook whose parameters set the smoke profile, by the same injection that the study uses."""
    notebook.require_kernel()
    values = notebook.accept({"profile": "smoke"})
    content = parameterize_notebook(load_notebook_node(str(notebook.path)), values)
    copy = folder / notebook.path.name
    nbformat.write(content, copy)
    return copy


def main(words: list[str]) -> int:
    """Prepares and runs the copies; the exit status is pytest's."""
    with tempfile.TemporaryDirectory(prefix="echolib-smoke-") as home:
        folder = Path(home, "notebooks")
        folder.mkdir()
        copies = [prepare(notebook, folder) for notebook in find_notebooks(ROOT / "notebooks", words)]
        options = [
            "--nbval-lax",
            "--nbval-current-env",
            "--nbval-cell-timeout=600",
            "-p",
            "no:xdist",
            "-p",
            "no:cacheprovider",
        ]
        command = [
            sys.executable,
            "-m",
            "pytest",
            *options,
            "--rootdir",
            home,
            "--durations=5",
            "-x",
            *map(str, copies),
        ]
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "ECHOLIB_HOME": home, "PYTHONPATH": paths}
        return subprocess.run(command, cwd=home, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
