"""Executing one notebook in a real kernel: what comes out, and what is kept when it goes wrong."""

import json
import os
import time

import nbformat
import pytest

from echolib.portable import environment
from echolib.runner.execute import Lines, NotebookFailed, NotebookStopped, execute
from echolib.runner.notebook import Notebook, StudyError


def outputs(path) -> str:
    return json.dumps([cell.get("outputs", []) for cell in nbformat.read(path, as_version=4).cells])


def test_parameters_lines_and_environment_reach_their_ends(write_notebook, tmp_path):
    path = write_notebook(
        "02_x",
        "import os, sys, json\nfrom pathlib import Path",
        "print('[1/2] first', epochs)\nprint('pro\\rgress', file=sys.stderr)",
        "Path(os.environ['ECHOLIB_REPORT'], 'seen.json').write_text(json.dumps("
        "[profile, os.environ['ECHOLIB_HOME'], os.environ['ECHOLIB_DEADLINE']]))",
    )
    lines = []
    stem = tmp_path / "runs" / "02_x"
    deadline = time.time() + 1000
    staged = execute(
        Notebook.read(path),
        {"profile": "demo", "epochs": 7},
        stem,
        home=tmp_path,
        deadline=deadline,
        on_line=lines.append,
    )
    assert lines == ["[1/2] first 7"]
    assert json.loads((staged / "seen.json").read_text()) == ["demo", str(tmp_path), repr(deadline)]
    assert (tmp_path / "runs" / "02_x.log").read_text().splitlines() == ["[1/2] first 7", "gress"]
    assert "first 7" in outputs(tmp_path / "runs" / "02_x.ipynb")
    assert "ECHOLIB_REPORT" not in os.environ


def test_every_execution_stages_into_a_folder_of_its_own(write_notebook, tmp_path):
    """The kernel of a study that was killed may still be writing into the one before."""
    notebook = Notebook.read(write_notebook("02_x"))
    first, second = (execute(notebook, {}, tmp_path / "02_x", home=tmp_path) for _ in range(2))
    assert first != second and first.is_dir() and second.is_dir()


def test_a_failing_cell_keeps_notebook_and_log(write_notebook, tmp_path):
    path = write_notebook("02_x", "print('before')", "raise ValueError('the cause')", "print('after')")
    with pytest.raises(NotebookFailed, match=r"cell \d+ failed: ValueError: the cause") as caught:
        execute(Notebook.read(path), {}, tmp_path / "02_x", home=tmp_path, on_line=lambda line: None)
    assert str(tmp_path / "02_x.ipynb") in str(caught.value) and str(tmp_path / "02_x.log") in str(caught.value)
    text = outputs(tmp_path / "02_x.ipynb")
    assert "before" in text and "the cause" in text and "after" not in text
    assert "ValueError: the cause" in (tmp_path / "02_x.log").read_text()


def test_a_dead_kernel_is_named(write_notebook, tmp_path):
    path = write_notebook(
        "02_x", "print('before', flush=True)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    with pytest.raises(NotebookFailed, match="kernel died"):
        execute(Notebook.read(path), {}, tmp_path / "02_x", home=tmp_path, on_line=lambda line: None)
    assert "before" in outputs(tmp_path / "02_x.ipynb")
    assert "kernel died" in (tmp_path / "02_x.log").read_text()


def test_a_cell_that_takes_too_long_fails(write_notebook, tmp_path):
    path = write_notebook("02_x", "print('before')", "import threading; threading.Event().wait()")
    with pytest.raises(NotebookFailed, match="longer than 2 seconds"):
        execute(Notebook.read(path), {}, tmp_path / "02_x", home=tmp_path, cell_timeout=2, on_line=lambda line: None)
    assert "before" in outputs(tmp_path / "02_x.ipynb")


def test_out_of_time_is_no_failure(write_notebook, tmp_path):
    path = write_notebook("02_x", "class OutOfTime(Exception): pass", "raise OutOfTime('2 of 9 epochs done')")
    with pytest.raises(NotebookStopped, match="2 of 9 epochs done"):
        execute(Notebook.read(path), {}, tmp_path / "02_x", home=tmp_path, on_line=lambda line: None)


def test_unknown_parameter_starts_no_kernel(write_notebook, tmp_path):
    with pytest.raises(StudyError, match="no parameter 'epoch'"):
        execute(Notebook.read(write_notebook("02_x")), {"epoch": 1}, tmp_path / "runs" / "02_x", home=tmp_path)
    assert not (tmp_path / "runs").exists()


def test_lines_are_whole_and_redrawn_ones_end_in_their_last_state():
    seen = []
    lines = Lines(seen.append)
    for piece in ("one\ntw", "o\n10%\r", "20%\r\nlast"):
        lines.write(piece)
    assert seen == ["one", "two", "20%"]
    lines.close()
    lines.close()
    assert seen[3:] == ["last"]


def test_environment_is_put_back(monkeypatch):
    monkeypatch.setenv("ECHOLIB_A", "old")
    monkeypatch.setenv("ECHOLIB_GONE", "was here")
    with environment(ECHOLIB_A="new", ECHOLIB_B="set", ECHOLIB_GONE=None):
        assert (os.environ["ECHOLIB_A"], os.environ["ECHOLIB_B"]) == ("new", "set")
        assert "ECHOLIB_GONE" not in os.environ
    assert os.environ["ECHOLIB_A"] == "old" and os.environ["ECHOLIB_GONE"] == "was here"
    assert "ECHOLIB_B" not in os.environ
