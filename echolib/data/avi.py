"""The chunks of an AVI file: every byte belongs to one, and header, index and pictures agree.

Source: Microsoft, "AVI RIFF File Reference"; Matrox, "OpenDML AVI File Format Extensions" 1.02 (AVIX lists).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from echolib.data.errors import VideoError
from echolib.data.limits import check_claim

_IN_MOVI = re.compile(rb"\d\d(dc|db|wb|tx|pc)|ix\d\d|JUNK")
_OF_MEDIA = re.compile(rb"\d\d..", re.DOTALL)


class Chunk(NamedTuple):
    """A chunk: its name, the type where it is a list (else b""), where its content begins, how long that is."""

    name: bytes
    kind: bytes
    start: int
    length: int


@dataclass
class AVI:
    """What the headers say, and the pictures that are there: (position of the content, bytes) of each."""

    claims: dict[str, int] = field(default_factory=dict)  # where a number of frames stands -> that number
    stream: bytes = b""  # the first video stream as chunks are named by it, "00"
    width: int = 0
    height: int = 0
    pictures: list[tuple[int, int]] = field(default_factory=list)


def read_avi(path: Path, file: BinaryIO, size: int) -> AVI:
    """The structure of an AVI file of `size` bytes.

    After its first list may come further ones of OpenDML and JUNK chunks, nothing else. Raises VideoError, which names
    the file and the byte, when it is cut short, a chunk leaves its list, a foreign chunk lies among the pictures, the
    index names other chunks, or a header says another number of frames than there are.
    """
    walk, avi = _Walk(path, file), AVI()
    outer = list(walk.chunks(0, size))
    for number, chunk in enumerate(outer):
        if chunk.kind != (b"AVIX" if number else b"AVI ") and chunk.name != b"JUNK":
            raise walk.damage(f"{chunk.name!r} after its end at byte {chunk.start - 8}")
    for chunk in outer:
        if chunk.kind:
            _read_list(walk, avi, chunk)
    if len(outer) > 1:
        avi.claims.pop("avih", None)  # counts the first list alone
    for claim in avi.claims.values():
        if claim and claim != len(avi.pictures):
            raise VideoError(f"{path} holds {len(avi.pictures)} frames, its header says {claim}: get it again")
    return avi


class _Walk:
    """Reads chunks of one file, and says what is wrong with it."""

    def __init__(self, path: Path, file: BinaryIO):
        self.path, self.file = path, file

    def damage(self, what: str) -> VideoError:
        return VideoError(f"{self.path} is damaged ({what}): get it again")

    def content(self, chunk: Chunk) -> bytes:
        self.file.seek(chunk.start)
        return self.file.read(chunk.length)

    def chunks(self, position: int, end: int) -> Iterator[Chunk]:
        """The chunks that fill the bytes from `position` to `end`."""
        while position < end:
            self.file.seek(position)
            head = self.file.read(min(12, end - position))
            name = head[:4]
            if len(head) < 8 or not name.isascii() or not name.decode().isprintable():
                raise self.damage(f"no chunk begins at byte {position}")
            length = int.from_bytes(head[4:8], "little")
            if name == b"RIFF" and length in (0, 0xFFFFFFFF):
                length = end  # never finished by its writer: certainly too long
            after = position + 8 + length
            if after > end:
                reason = f"its {name.decode()} chunk should end at byte {after}, the bytes for it end at {end}"
                raise VideoError(f"{self.path} is cut short or damaged: {reason}: get it again")
            listed = name in (b"RIFF", b"LIST")
            if listed and length < 4:
                raise self.damage(f"a list without a type at byte {position}")
            yield Chunk(name, head[8:12] if listed else b"", position + 8, length)
            position = after + (length & 1)


def _read_list(walk: _Walk, avi: AVI, riff: Chunk) -> None:
    media: list[Chunk] = []
    origin, index = 0, None
    for chunk in walk.chunks(riff.start + 4, riff.start + riff.length):
        if chunk.kind == b"hdrl":
            _read_headers(walk, avi, chunk)
        elif chunk.kind == b"movi":
            origin = chunk.start
            media += _media(walk, chunk)
        elif chunk.name == b"idx1":
            index = walk.content(chunk)
    avi.pictures += [(c.start, c.length) for c in media if c.name in (avi.stream + b"dc", avi.stream + b"db")]
    if index is not None and not _agrees(index, media, origin):
        raise walk.damage("its index names other chunks than it holds")


def _read_headers(walk: _Walk, avi: AVI, hdrl: Chunk) -> None:
    streams = 0
    for chunk in walk.chunks(hdrl.start + 4, hdrl.start + hdrl.length):
        if chunk.name == b"avih" and chunk.length >= 40:
            avi.claims["avih"] = struct.unpack_from("<I", walk.content(chunk), 16)[0]
        elif chunk.kind == b"strl":
            parts = {part.name: part for part in walk.chunks(chunk.start + 4, chunk.start + chunk.length)}
            if not avi.stream and {b"strh", b"strf"} <= parts.keys():
                _read_stream(walk, avi, b"%02d" % streams, walk.content(parts[b"strh"]), walk.content(parts[b"strf"]))
            streams += 1
        elif chunk.kind == b"odml":
            for part in walk.chunks(chunk.start + 4, chunk.start + chunk.length):
                if part.name == b"dmlh" and part.length >= 4:
                    avi.claims["dmlh"] = struct.unpack_from("<I", walk.content(part))[0]
    if not avi.stream:
        raise VideoError(f"{walk.path} has no video stream")
    check_claim(walk.path, max(avi.claims.values()), avi.width, avi.height)


def _read_stream(walk: _Walk, avi: AVI, name: bytes, header: bytes, picture: bytes) -> None:
    if header[:4] != b"vids":
        return
    if len(header) < 36 or len(picture) < 40:
        raise walk.damage("the header of its video stream is too short")
    avi.stream, avi.claims["strh"] = name, struct.unpack_from("<I", header, 32)[0]
    avi.width, avi.height = struct.unpack_from("<ii", picture, 4)
    avi.height = abs(avi.height)  # negative: stored from the top, as uncompressed pictures may be


def _media(walk: _Walk, movi: Chunk) -> Iterator[Chunk]:
    """The chunks of sound and pictures in a list, in their order."""
    for chunk in walk.chunks(movi.start + 4, movi.start + movi.length):
        if chunk.kind == b"rec ":
            yield from _media(walk, chunk)
        elif not _IN_MOVI.fullmatch(chunk.name):
            raise walk.damage(f"{chunk.name!r} lies among its pictures at byte {chunk.start - 8}")
        elif _OF_MEDIA.fullmatch(chunk.name):
            yield chunk


def _agrees(index: bytes, media: list[Chunk], origin: int) -> bool:
    """True when an index lists exactly these chunks, by their place in the file or from `origin` on."""
    if len(index) % 16:
        return False
    entries = np.frombuffer(index, "<u4").reshape(-1, 4)
    entries = entries[entries[:, 0] != int.from_bytes(b"rec ", "little")]
    there = np.array([(int.from_bytes(c.name, "little"), c.start - 8, c.length) for c in media], "i8").reshape(-1, 3)
    if len(entries) != len(there):
        return False
    said = entries[:, [0, 2, 3]].astype("i8")
    return any((said + np.array([0, base, 0]) == there).all() for base in (0, origin))
