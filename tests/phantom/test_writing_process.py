"""The process that writes the phantom: how what goes wrong in it comes to light, and when it ends."""

import subprocess
import sys

import pytest

from echolib.phantom.writers.shared_arithmetic import PhantomNotWritten, write_datasets
from echolib.portable import is_supported

NOTHING = {"camus": 0, "echonet_dynamic": 0, "echonet_lvh": 0}
pytestmark = pytest.mark.skipif(not is_supported(), reason="this machine writes the phantom in its own process")


def test_what_the_system_refused_is_raised_here(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_datasets(tmp_path / "missing", NOTHING, seed=0, progress=False)
    assert caught.value.filename == str(tmp_path / "missing" / "truth")


@pytest.mark.parametrize(("act", "words"), [("exit 1", "failed; it said why above"), ("kill -9 $$", "by signal 9")])
def test_a_process_that_ends_early_is_told_of(act, words, tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{act}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(PhantomNotWritten, match=words):
        write_datasets(tmp_path, NOTHING, seed=0, progress=False)


def test_it_ends_with_the_process_that_it_works_for():
    script = "from echolib.phantom.writers.shared_arithmetic import _end_with_input; _end_with_input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.close()  # as the system does for a process that was killed
        assert process.wait(120) == 1
