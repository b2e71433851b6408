"""What happens to files: bits flip, blocks are lost or written twice, copies end early, tables are edited."""

from dataclasses import dataclass

import numpy as np

BYTES = ("flip", "overwrite", "zero", "cut", "delete", "insert", "swap", "repeat", "append")
TEXT = ("digit", "drop line", "repeat line", "drop field", "comma", "word")
WORDS = (b"nan", b"-1", b"1e9", b"", b"\xff", b"../x", b'"')
LARGEST = 64  # bytes of a block


@dataclass(frozen=True)
class Corruption:
    """One of BYTES or TEXT, at a place from 0 (the file's beginning) up to 1 (its end).

    size: bytes of the block, or which field of a line; noise: the seed of what is written, or which bit, digit or word.
    """

    kind: str
    place: float
    size: int
    noise: int

    @classmethod
    def drawn(cls, rng: np.random.Generator, kinds: tuple[str, ...] = BYTES) -> "Corruption":
        """A random one."""
        return cls(str(rng.choice(kinds)), rng.random(), int(rng.integers(1, LARGEST + 1)), int(rng.integers(2**31)))

    def apply(self, content: bytes) -> bytes:
        """The content corrupted; it may happen to be what it was."""
        return self._edit(content) if self.kind in TEXT else self._damage(content)

    def _damage(self, content: bytes) -> bytes:
        place = int(self.place * len(content))
        noise = np.random.default_rng(self.noise).integers(0, 256, self.size, dtype="uint8").tobytes()
        before, block, after = content[:place], content[place : place + self.size], content[place + self.size :]
        bit = bytes([block[0] ^ (1 << self.noise % 8)]) + block[1:] if block else b""
        return {
            "flip": before + bit + after,
            "overwrite": before + noise[: len(block)] + after,
            "zero": before + bytes(len(block)) + after,
            "cut": before,
            "delete": before + after,
            "insert": before + noise + block + after,
            "swap": before + after[: self.size] + block + after[self.size :],
            "repeat": before + block + block + after,
            "append": content + noise,
        }[self.kind]

    def _edit(self, content: bytes) -> bytes:
        """What an editor or a spreadsheet does to a table."""
        if self.kind == "digit":
            digits = [k for k, byte in enumerate(content) if chr(byte).isdigit()]
            if not digits:
                return content
            place = digits[int(self.place * len(digits))]
            return content[:place] + b"%d" % (self.noise % 10) + content[place + 1 :]
        lines = content.split(b"\n")
        row = int(self.place * max(1, len(lines) - 1))
        fields = lines[row].split(b",")
        field = self.size % len(fields)
        changed = {
            "drop line": [],
            "repeat line": [lines[row], lines[row]],
            "drop field": [b",".join(fields[:field] + fields[field + 1 :])],
            "comma": [lines[row] + b","],
            "word": [b",".join([*fields[:field], WORDS[self.noise % len(WORDS)], *fields[field + 1 :]])],
        }[self.kind]
        return b"\n".join([*lines[:row], *changed, *lines[row + 1 :]])
