"""A notebook of the study is saved without outputs and without the name of a patient's file."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from echolib.runner.clean import before_saving, without_names

ROOT = Path(__file__).resolve().parents[2]
SAVE = """
import asyncio, sys
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from traitlets.config import PyFileConfigLoader
home, config = sys.argv[1:]
manager = AsyncLargeFileManager(root_dir=home, config=PyFileConfigLoader(config).load_config())
async def save():
    for path in ("notebooks/01_x.ipynb", "own.ipynb"):
        await manager.save(await manager.get(path, type="notebook"), path)
asyncio.run(save())
"""


@pytest.fixture
def home(write_notebook, tmp_path, monkeypatch) -> Path:
    """A home with a notebook that was run on a patient's file, and a copy of it outside its notebooks."""
    monkeypatch.delenv("ECHOLIB_HOME", raising=False)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "echolib"\n')
    path = write_notebook(
        "01_x", "print(clip)", parameters='profile: str = "demo"\nclip: str = "/secret/Jane_Doe.avi"\n'
    )
    content = nbformat.read(path, as_version=4)
    content.cells[-1].outputs = [nbformat.v4.new_output("stream", text="EF 61.7 of /secret/Jane_Doe.avi")]
    content.cells[-1].execution_count = 7
    nbformat.write(content, path)
    nbformat.write(content, tmp_path / "own.ipynb")
    return tmp_path


def test_the_shipped_server_saves_the_studys_notebooks_clean_and_others_as_they_are(home):
    config = str(ROOT / "jupyter_server_config.py")
    run = subprocess.run([sys.executable, "-c", SAVE, str(home), config], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    saved = json.loads((home / "notebooks" / "01_x.ipynb").read_text())
    text = json.dumps(saved)
    assert "Jane" not in text and "61.7" not in text
    assert saved["cells"][-1]["execution_count"] is None and 'clip: str = \\"\\"' in text
    assert "print(clip)" in text and "EF 61.7" in (home / "own.ipynb").read_text()


def test_only_notebooks_are_touched(home):
    before_saving({"type": "file", "content": "text"}, "notebooks/01_x.ipynb", type("Manager", (), {"root_dir": home}))


@pytest.mark.parametrize(
    ("line", "saved"),
    [
        ('clip: str = "Jane.avi"  # a file', 'clip: str = ""  # a file'),
        ("clip='/a/b.avi'", 'clip=""'),
        ('clip: str = "/a/Jane', 'clip: str = ""'),
        ('camus: str = r"C:\\data"', 'camus: str = ""'),
        ('video = "0X1A"', 'video = ""'),
        ('profile: str = "demo"', 'profile: str = "demo"'),
        (
            'settings: str = "printed"  # "printed" or "released"',
            'settings: str = "printed"  # "printed" or "released"',
        ),
        ("seeds: int = 3", "seeds: int = 3"),
    ],
)
def test_what_a_parameters_cell_names(line, saved):
    assert without_names(f"first = 1\n{line}\nlast = 2") == f"first = 1\n{saved}\nlast = 2"
