"""Files on disk: locks between processes, and errors where they cannot be made."""

from pathlib import Path

import pytest
from filelock import Timeout

from echolib.files import file_lock


def test_a_lock_is_held_once(tmp_path):
    lock = tmp_path / "new" / "folder" / ".lock"
    with file_lock(lock), pytest.raises(Timeout), file_lock(lock, blocking=False):
        pass
    with file_lock(lock, blocking=False):
        assert lock.is_file()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody makes a file")
def test_a_lock_that_cannot_be_made_is_an_error_and_no_endless_wait():
    with pytest.raises(FileNotFoundError):
        file_lock("/proc/echolib.lock").acquire(timeout=0.1)
