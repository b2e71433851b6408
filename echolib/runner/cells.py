"""Two versions of one table held against each other, cell by cell, and whether a cell moved beyond its interval."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

TIMINGS = ("ms", "seconds", "minutes", "memory", "memory_mib", "peak_memory_mib", "date", "commit")  # not compared,
# nor with an ending, as in "ms_sd": of another machine or hour they are others, whatever the method
VERDICT = "verdict"
OUTCOMES = (VERDICT, "note")  # columns of text that say what came out, so that no row is known by them
SUPPORTED, OPPOSITE = "supported", "opposite"
ENDINGS = ("_low", "_high")  # of the ends of a number's interval
KINDS = (VERDICT, "beyond", "moved", "text", "within")  # of what moved, in the order in which it is said


@dataclass(frozen=True)
class Moved:
    """A cell that differs: where it stands, its text on both sides ("" empty), and how far it moved.

    kind : one of `KINDS`: "beyond" or "within" its interval, "moved" for a number without one, "text", "verdict".
    change, relative : second minus first, and that over the first's size; None where one is no number, or the first 0.
    half_width : the larger of half the width of both intervals; None where there is none.
    """

    notebook: str
    table: str
    row: dict[str, str]
    column: str
    first: str
    second: str
    kind: str
    change: float | None = None
    relative: float | None = None
    half_width: float | None = None

    @property
    def turned(self) -> bool:
        """Whether a verdict turned from supported to opposite, or back."""
        return self.kind == VERDICT and {self.first, self.second} == {SUPPORTED, OPPOSITE}


@dataclass(frozen=True)
class TableDifference:
    """What two versions of a table have in common: how many cells are equal, which moved, what one side alone has."""

    equal: int = 0
    moved: list[Moved] = field(default_factory=list)
    only_first: list[str] = field(default_factory=list)  # rows and columns, in words
    only_second: list[str] = field(default_factory=list)
    fault: str = ""  # why its rows could not be matched


def compare_tables(notebook: str, table: str, first: pd.DataFrame, second: pd.DataFrame) -> TableDifference:
    """Compares all cells, as text, of the rows that both have. Rows are matched by `key_columns`, never by number."""
    keys = key_columns(first, second)
    if keys is None:
        return TableDifference(fault="its rows cannot be told apart by what they are called")
    columns = [name for name in value_columns(first, second) if name not in keys]
    rows, others = _by_key(first, keys), _by_key(second, keys)
    equal, moved = 0, []
    for key in [key for key in rows if key in others]:
        where = {"notebook": notebook, "table": table, "row": dict(zip(keys, key, strict=True))}
        for column in columns:
            facts = compare_cells(column, rows[key], others[key])
            if facts is None:
                equal += 1
            else:
                moved.append(
                    Moved(**where, column=column, first=rows[key][column], second=others[key][column], **facts)
                )
    return TableDifference(
        equal, moved, [*_lacking(rows, others, keys), *_lost(first, second)],
        [*_lacking(others, rows, keys), *_lost(second, first)],
    )  # fmt: skip


def compare_cells(column: str, first: dict[str, str], second: dict[str, str]) -> dict | None:
    """The kind of a move and its size, from a column of two rows; None where number and interval are the same.

    A number moved beyond its interval where its change is larger than half the width of the wider of both intervals.
    So the answer is the same whichever side comes first, and an interval that came out narrow by chance on one side
    alone raises no alarm.
    """
    names = [column, *(column + ending for ending in ENDINGS)]
    if all(first.get(name, "") == second.get(name, "") for name in names):
        return None
    if column == VERDICT:
        return {"kind": VERDICT}
    before, after = number(first[column]), number(second[column])
    if before is None or after is None:
        return {"kind": "text"}
    change = after - before
    facts = {"change": change, "relative": change / abs(before) if before else None}
    widths = [width for row in (first, second) if (width := _half_width(column, row)) is not None]
    if not widths:
        return {"kind": "moved", **facts}
    half_width = max(widths)
    beyond = abs(change) > half_width + 1e-9  # printed numbers have no ninth decimal
    return {"kind": "beyond" if beyond else "within", "half_width": half_width, **facts}


def key_columns(first: pd.DataFrame, second: pd.DataFrame) -> list[str] | None:
    """The columns by which the rows of both are told apart; None where even all of them do not.

    The first column of text, then further ones as far as they are needed, then numbers that are no measurement: without
    an interval. `OUTCOMES` and columns of yes and no are no names.
    """
    shared = value_columns(first, second)
    text = [name for name in shared if _is_name(name, [*first[name], *second[name]])]
    plain = [name for name in shared if not _is_text([*first[name], *second[name]]) and not _is_measured(name, first)]
    keys = text[:1]
    for name in [*text[1:], *plain]:
        sides = [(_distinct(side, keys), _distinct(side, [*keys, name]), len(side)) for side in (first, second)]
        if any(now < rows and then > now for now, then, rows in sides):
            keys.append(name)
    return keys if all(_distinct(side, keys) == len(side) for side in (first, second)) else None


def value_columns(first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """The columns of both that are compared: no timings, no ends of intervals (they belong to their number), no
    difference to a published number that stands beside."""
    return [name for name in map(str, first) if name in second and not _is_left_out(name, first)]


def number(text: str) -> float | None:
    """The finite number that a cell holds; None for any other text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_left_out(name: str, table: pd.DataFrame) -> bool:
    if any(name == timing or name.startswith(f"{timing}_") for timing in TIMINGS):
        return True
    of_interval = any(name.endswith(ending) and name.removesuffix(ending) in table for ending in ENDINGS)
    metric = name.removesuffix("_difference")
    return of_interval or (metric != name and metric in table and f"{metric}_published" in table)


def _is_text(cells: Sequence[str]) -> bool:
    return any(cell and number(cell) is None for cell in cells)


def _is_name(name: str, cells: Sequence[str]) -> bool:
    return name not in OUTCOMES and _is_text(cells) and not set(cells) <= {"yes", "no", ""}


def _is_measured(name: str, table: pd.DataFrame) -> bool:
    return f"{name}_low" in table or f"{name}_published" in table


def _half_width(column: str, row: dict[str, str]) -> float | None:
    low, high = (number(row.get(column + ending, "")) for ending in ENDINGS)
    return None if low is None or high is None else (high - low) / 2


def _distinct(table: pd.DataFrame, keys: list[str]) -> int:
    return len(table[keys].drop_duplicates()) if keys else min(1, len(table))


def _by_key(table: pd.DataFrame, keys: list[str]) -> dict[tuple[str, ...], dict[str, str]]:
    rows = [{str(name): str(cell) for name, cell in row.items()} for row in table.to_dict("records")]
    return {tuple(row[key] for key in keys): row for row in rows}


def _lacking(rows: dict, others: dict, keys: list[str]) -> Iterator[str]:
    for key in rows:
        if key not in others:
            yield "row " + row_name(dict(zip(keys, key, strict=True)))


def _lost(first: pd.DataFrame, second: pd.DataFrame) -> Iterator[str]:
    yield from (f"column {name}" for name in map(str, first) if name not in second and not _is_left_out(name, first))


def row_name(row: dict[str, str]) -> str:
    """What a row is called: the values of its key columns."""
    return ", ".join(value for value in row.values() if value) or "(the only one)"
