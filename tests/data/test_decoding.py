"""What is decoded is what tables say of it, and one and the same file from beginning to end."""

import os
from pathlib import Path

import numpy as np
import pytest

from echolib.data import DataError, FrameStore
from echolib.data.store.decoding import Expected
from tests.data.made import moving_noise, write_avi

FRAMES, HEIGHT, WIDTH = 6, 48, 64


def build(folder, path, **expected):
    return FrameStore.build(folder, {"clip": path}, expected={"clip": Expected(**expected)}, progress=False)


@pytest.fixture
def avi(tmp_path):
    return write_avi(tmp_path / "clip.avi", moving_noise(FRAMES, HEIGHT, WIDTH))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"frames": 7}, "holds 6 frames, its table says 7"),
        ({"size": (600, 64)}, r"is 48 x 64 \(rows x columns\), its table says 600 x 64"),
        ({"size": (64, 48)}, "is 48 x 64"),
        ({"sha256": "0" * 64}, "has another hash than SHA256SUMS says"),
    ],
)
def test_what_a_table_says_is_compared(tmp_path, avi, said, words):
    with pytest.raises(DataError, match=rf"clip\.avi {words}"):
        build(tmp_path / "store", avi, **said)
    store = build(tmp_path / "store", avi, frames=FRAMES, size=(HEIGHT, WIDTH))
    assert store.frames("clip").shape == (FRAMES, HEIGHT, WIDTH)
    with pytest.raises(DataError, match=words):  # also of a store that was built before the table said so
        build(tmp_path / "store", avi, **said)


def rewriting(path: str) -> np.ndarray:
    """A reader during which somebody else writes to its file, size and time of change put back."""
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.write(b"9")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return np.zeros((2, 4, 4), "uint8")


def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path):
    source = tmp_path / "source"
    Path(source).write_text("1 some content")
    with pytest.raises(DataError, match="source changed while it was read: build again"):
        FrameStore.build(tmp_path / "store", {"a": source}, read=rewriting, progress=False)
