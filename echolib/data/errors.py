"""The errors of the data layer, and the collector that reports every fault of a file at once."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from echolib.errors import UserError
from echolib.files import write_text
from echolib.workspace import Workspace, WorkspaceError, find_home

_MOST_LINES = 40  # of faults in a text; with what stands around them it stays below fifty lines
_MOST_CHARACTERS = 8000  # of the faults in a text
_LONGEST = 400  # characters of one fault


class DataError(UserError, ValueError):
    """Data on disk is wrong. The text names the file, the row and the fix, and lists every bad row."""


class VideoError(DataError):
    """A video file cannot be read whole."""


class Faults:
    """Collects faults, so that one DataError lists them all.

    `title` says what was being read and `fix` what to do about it.
    """

    def __init__(self, title: str, fix: str):
        self.title, self.fix, self.lines = title, fix, []

    def add(self, line: str) -> None:
        """One more fault."""
        self.lines.append(line)

    def extend(self, lines: Iterable[str]) -> None:
        """Several more faults."""
        self.lines.extend(lines)

    def raise_any(self) -> None:
        """Raises DataError when at least one fault was collected; returns otherwise.

        Its text shows the first ones, at most 40 lines; where there are more it names a file that lists all: below the
        home's `runs/faults`, or a private temporary one where there is no home that can be written to.
        """
        if not self.lines:
            return
        count = f"{len(self.lines)} fault" + ("s" if len(self.lines) > 1 else "")
        shown, left = [], _MOST_CHARACTERS
        for line in self.lines[:_MOST_LINES]:
            shown.append(shortened(line))
            left -= len(shown[-1])
            if left < 0:
                break
        title = f"{shortened(self.title)}: {count}"
        if len(shown) < len(self.lines):
            shown.append(f"... and {len(self.lines) - len(shown)} more: {_written(title, self.lines)} lists them all")
        listing = "".join(f"\n  {line}" for line in shown)
        raise DataError(f"{title}{listing}\nFix: {shortened(self.fix)}")


def shortened(text: str, most: int = _LONGEST) -> str:
    """The text in one line of at most `most` characters, its middle left out where it is longer."""
    line = " ".join(text[: 2 * most].splitlines()) if len(text) <= 2 * most else f"{text[:most]} ... {text[-most:]}"
    line = " ".join(line.splitlines())
    half = (most - 5) // 2
    return line if len(line) <= most else f"{line[:half]} ... {line[-half:]}"


def _written(title: str, lines: list[str]) -> Path:
    """A file of all faults, one a line, called after them: the same faults do not pile up."""
    text = "\n".join([title, *lines]) + "\n"
    content = text.encode("utf-8", "backslashreplace")
    try:
        path = Workspace(find_home()).runs / "faults" / f"{hashlib.sha256(content).hexdigest()[:12]}.txt"
        write_text(path, content.decode())
    except (WorkspaceError, OSError):
        handle, name = tempfile.mkstemp(prefix="echolib-faults-", suffix=".txt")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        path = Path(name)
    return path


class TableFaults(Faults):
    """Faults of a CSV table whose index is the row number in the file (the header is row 1)."""

    def __init__(self, file: str, table: "pd.DataFrame", fix: str):
        super().__init__(file, fix)
        self.file, self.table = file, table

    def where(self, bad: "pd.Series", text: str) -> None:
        """One fault for every row where `bad` is true. Every `{column}` in `text` takes the row's value."""
        columns = sorted(set(re.findall(r"{(\w+)}", text)))
        chosen = self.table.loc[bad.to_numpy(), columns]
        template = f"{self.file} row {{0}}: " + re.sub(
            r"{(\w+)}", lambda name: f"{{{columns.index(name[1]) + 1}}}", text
        )
        self.extend(map(template.format, chosen.index, *(_cells(chosen[name]) for name in columns)))


def _cells(column: "pd.Series") -> Iterable[str]:
    """Cells as they are shown; a very long one without its middle."""
    for cell in column:
        text = str(cell)
        yield text if len(text) <= _LONGEST // 4 else shortened(text, _LONGEST // 4)
