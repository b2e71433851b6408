"""The frame store when processes die or meet: what is finished stays, what is locked is freed."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from echolib.data import FrameStore
from echolib.data.store import building
from tests.data.reading import counted
from tests.data.test_store import build, leftovers, log, reads, texts

__all__ = ["log"]  # the fixture
REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from echolib.data import FrameStore
from tests.data.reading import counted
if __name__ == "__main__":
    folder, sources, workers = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    FrameStore.build(folder, sources, read=counted, workers=workers, progress=False)
"""


def start(folder, sources, workers=1, **environment):
    """A build in another process."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    command = [sys.executable, "-c", SCRIPT, str(folder), json.dumps(sources), str(workers)]
    return subprocess.Popen(command, env=environment, cwd=REPOSITORY)


def test_killed_build_goes_on_and_its_lock_is_free(tmp_path, log):
    folder, sources = tmp_path / "store", texts(tmp_path / "src", 6)
    process = start(folder, sources, READ_AT="5", READ_KILL="self")  # the first is read twice: its size, its frames
    assert process.wait(60) == -signal.SIGKILL
    assert (folder / ".lock").exists() and not (folder / "manifest.json").exists()
    before = reads(log)
    with (folder / "building.jsonl").open("a") as journal:
        journal.write('{"name": "n3", "sta')  # as if it had died in the middle of this line
    store = build(folder, sources)
    assert before == ["s0", "s0", "s1", "s2", "s3"] and reads(log) == ["s3", "s4", "s5"]
    assert [store.frames(name)[0, 0, 0] for name in store.names] == [0, 10, 20, 30, 40, 50]
    store.verify()
    assert leftovers(folder) == set()


def test_damaged_frames_of_a_killed_build_are_decoded_again(tmp_path, log):
    folder, sources = tmp_path / "store", texts(tmp_path / "src", 6)
    assert start(folder, sources, READ_AT="5", READ_KILL="self").wait(60) == -signal.SIGKILL
    reads(log)
    with (folder / "frames.partial").open("rb+") as partial:
        partial.seek(2 * 30)  # in the frames of n1
        partial.write(b"\xff")
    store = build(folder, sources)
    assert reads(log) == ["s1", "s3", "s4", "s5"]
    store.verify()


def test_a_damaged_line_of_the_journal_is_not_believed(tmp_path, log):
    """Another native size reads as well as the true one; its frames are whole, and still it is decoded again."""
    folder, sources = tmp_path / "store", texts(tmp_path / "src", 6)
    assert start(folder, sources, READ_AT="5", READ_KILL="self").wait(60) == -signal.SIGKILL
    reads(log)
    journal = folder / "building.jsonl"
    journal.write_text(journal.read_text().replace('"native": [6, 5]', '"native": [6, 7]', 1))
    store = build(folder, sources)
    assert reads(log) == ["s0", "s3", "s4", "s5"]
    assert store.native_sizes.tolist() == [[6, 5]] * 6


@pytest.mark.parametrize("moment", ["os.replace", "write"])
def test_killed_between_frames_and_manifest(tmp_path, log, monkeypatch, moment):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    folder, sources = tmp_path / "store", texts(tmp_path / "src")
    with monkeypatch.context() as patch:
        if moment == "write":
            patch.setattr(building.Manifest, "write", die)
        else:
            patch.setattr(building.os, "replace", die)
        with pytest.raises(Killed):
            build(folder, sources)
    reads(log)
    build(folder, sources).verify()
    assert reads(log) == [] and leftovers(folder) == set()


def test_workers_end_with_their_parent(tmp_path, log):
    folder, sources = tmp_path / "store", texts(tmp_path / "src", 12)
    process = start(folder, sources, workers=2, READ_AT="6", READ_KILL="parent")
    assert process.wait(60) == -signal.SIGKILL
    for pid in {int(line.split()[1]) for line in log.read_text().splitlines()} - {process.pid}:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        assert select.select([handle], [], [], 60)[0], f"worker {pid} outlived its parent"
        os.close(handle)
    reads(log)
    build(folder, sources).verify()


def test_two_builds_at_once_make_one_store(tmp_path, log):
    folder, sources = tmp_path / "store", texts(tmp_path / "src", 20)
    processes = [start(folder, sources) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert sorted(reads(log)) == sorted(["s0", *(Path(path).name for path in sources.values())])
    FrameStore(folder).verify()
    assert counted(sources["n7"]).tolist() == FrameStore(folder).frames("n7").tolist()


def test_a_script_that_builds_at_its_top_level_is_told_so(tmp_path, log):
    sources = texts(tmp_path / "src", 4)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(script), str(tmp_path / "store"), json.dumps(sources), "2"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "put it under `if __name__ == '__main__':`" in ended.stderr
