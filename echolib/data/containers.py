"""The kind of a video file by its first bytes, and whether its outermost structure is whole."""

import os
from pathlib import Path
from typing import BinaryIO

from echolib.data.avi import AVI, read_avi
from echolib.data.errors import VideoError

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")


def read_container(path: Path, file: BinaryIO) -> tuple[str, AVI | None]:
    """The kind of an open file ("avi", "mov", "dicom"), and the structure of an AVI.

    Raises VideoError for everything else, and for an AVI, MP4 or MOV that is cut short or does not hang together.
    """
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise VideoError(f"{path} is empty: get it again")
    head = file.read(132)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi", read_avi(path, file, size)
    if head[4:8] in _FIRST_BOXES:
        _check_boxes(path, file, size)
        return "mov", None
    if head[128:132] == b"DICM":
        return "dicom", None
    raise VideoError(f"{path} is no AVI, MP4, MOV or DICOM video (it starts with {head[:8]!r})")


def _check_boxes(path: Path, file: BinaryIO, size: int) -> None:
    """Refuses an MP4 or MOV whose boxes do not fill it from end to end, or that has not one table of contents."""
    position, names = 0, []
    while position < size:
        file.seek(position)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - position  # reaches to the end of the file by definition
        if len(name) < 4 or not name.isascii() or not name.decode().isprintable() or length < 8:
            raise VideoError(f"{path} is damaged: no box begins at byte {position}: get it again")
        position += length
        names.append(name)
        if position > size:
            box = name.decode()
            raise VideoError(f"{path} is cut short: its {box} box should end at byte {position}, the file has {size}")
    if names.count(b"moov") != 1:
        raise VideoError(f"{path} is damaged: it holds {names.count(b'moov')} moov boxes, not one: get it again")
