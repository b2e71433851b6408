"""The errors of the data layer, and the collector that reports every fault of a file at once."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from echolib.errors import UserError


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
        """Raises DataError when at least one fault was collected; returns otherwise."""
        if self.lines:
            count = f"{len(self.lines)} fault" + ("s" if len(self.lines) > 1 else "")
            listing = "".join(f"\n  {line}" for line in self.lines)
            raise DataError(f"{self.title}: {count}{listing}\nFix: {self.fix}")


class TableFaults(Faults):
    """Faults of a CSV table whose index is the row number in the file (the header is row 1)."""

    def __init__(self, file: str, table: "pd.DataFrame", fix: str):
        super().__init__(file, fix)
        self.file, self.table = file, table

    def where(self, bad: "pd.Series", text: str) -> None:
        """One fault for every row where `bad` is true. Every `{column}` in `text` takes the row's value."""
        columns = set(re.findall(r"{(\w+)}", text))
        for row in self.table.loc[bad.to_numpy(), sorted(columns)].itertuples():
            self.add(f"{self.file} row {row.Index}: {text.format(**{name: getattr(row, name) for name in columns})}")
