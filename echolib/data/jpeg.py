"""The headers of the JPEG pictures in a video: one encoder with one setting wrote them all.

Source: ITU-T T.81, Annex B (segments and markers).
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from echolib.data.errors import VideoError

_START, _END = b"\xff\xd8", b"\xff\xd9"
_QUANTISATION, _HUFFMAN, _RESTARTS, _SCAN = 0xDB, 0xC4, 0xDD, 0xDA
_LARGEST_SIZES = (11, 10)  # bits of a DC difference and of an AC coefficient of 8-bit pictures
_FEWEST_CHANGES = 4  # entries of a quantisation table: another quality changes more of them, damage fewer


class JPEGCheck:
    """Looks at one picture after the other, without decoding it."""

    def __init__(self, path: Path):
        self.path = path
        self._first: list[tuple[int, bytes]] = []  # (marker, content) of the first picture's segments
        self._header = b""  # of the last picture, up to its scan: mostly the next one's as well
        self._restarts = False

    def check(self, number: int, picture: bytes) -> None:
        """Raises VideoError where the picture has no end, a foreign header, or a marker inside of its scan."""
        if not (self._header and picture.startswith(self._header)):
            self._check_header(number, picture)
        scan = picture[len(self._header) :].rstrip(b"\0")
        if scan[-2:] != _END:
            raise self._damage(number, "it has no end")
        markers = scan.count(b"\xff") - scan.count(b"\xff\0") - 1
        if markers and not self._restarts:
            raise self._damage(number, "a marker lies inside of it")

    def _damage(self, number: int, what: str) -> VideoError:
        return VideoError(f"{self.path}: frame {number} is damaged ({what}): get it again")

    def _check_header(self, number: int, picture: bytes) -> None:
        segments, end = _segments(picture)
        if not segments or segments[-1][0] != _SCAN:
            raise self._damage(number, "its header is not whole")
        self._first = self._first or segments
        if len(segments) != len(self._first):
            raise self._damage(number, "its header is not that of the other frames")
        for (marker, content), (expected, model) in zip(segments, self._first, strict=True):
            if marker == expected == _HUFFMAN:
                fits = _is_huffman(content)
            elif marker == expected == _QUANTISATION:
                fits = content == model or _is_other_quality(content, model)
            else:
                fits = (marker, content) == (expected, model)
            if not fits:
                raise self._damage(number, "its header is not that of the other frames")
        self._header = picture[:end]
        self._restarts = any(marker == _RESTARTS for marker, _ in segments)


def _segments(picture: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """(marker, content) of each segment up to the scan, and where the scan begins; no segment where it is no JPEG."""
    segments, position = [], 2
    if picture[:2] != _START:
        return [], 0
    while position + 4 <= len(picture) and picture[position] == 0xFF:
        marker = picture[position + 1]
        end = position + 2 + int.from_bytes(picture[position + 2 : position + 4], "big")
        if end > len(picture) or end < position + 4:
            return [], 0
        segments.append((marker, picture[position + 4 : end]))
        position = end
        if marker == _SCAN:
            return segments, position
    return [], 0


@lru_cache(maxsize=1024)
def _is_huffman(content: bytes) -> bool:
    """True when these are Huffman tables of 8-bit pictures: as many symbols as counted, each once, a prefix code."""
    position = 0
    while position < len(content):
        kind, counts = content[position] >> 4, content[position + 1 : position + 17]
        symbols = content[position + 17 : position + 17 + sum(counts)]
        position += 17 + sum(counts)
        if kind > 1 or len(counts) < 16 or position > len(content) or len(set(symbols)) < len(symbols):
            return False
        sizes = {symbol & 15 for symbol in symbols} if kind else set(symbols)
        if max(sizes, default=0) > _LARGEST_SIZES[kind]:
            return False
        if kind and any(symbol & 15 == 0 and symbol not in (0x00, 0xF0) for symbol in symbols):
            return False  # a run of zeros before nothing: only "end of block" and sixteen zeros are
        if sum(count << (15 - bits) for bits, count in enumerate(counts)) >= 1 << 16:
            return False  # the code of ones alone is never given
    return True


def _is_other_quality(content: bytes, model: bytes) -> bool:
    """True when quantisation tables are those of `model` multiplied by one number, as at another quality.

    Up to rounding; and but for their first entries, which libav keeps.
    """
    if len(content) != len(model) or len(content) % 65:
        return False
    ours, first = (np.frombuffer(table, "uint8").reshape(-1, 65).astype(float) for table in (content, model))
    if (ours[:, 0] != first[:, 0]).any() or (ours != first).sum() < _FEWEST_CHANGES:
        return False
    scale = ours[:, 2:].sum() / max(first[:, 2:].sum(), 1)
    near = np.abs(ours - scale * first) <= 1.5 + scale + 0.1 * ours
    near[:, 1] |= ours[:, 1] == first[:, 1]
    return bool((near | (ours == 255))[:, 1:].all())
