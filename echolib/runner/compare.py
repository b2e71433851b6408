"""Two folders of reports held against each other: what moved, whether beyond its interval, which verdicts changed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from echolib.errors import UserError
from echolib.papers.registry import reads_records
from echolib.provenance import read_record
from echolib.runner.cells import KINDS, Moved, TableDifference, compare_tables, row_name

RECORD = "record.json"
CONDITIONS = (
    "fingerprints",
    "parameters",
    "seeds",
)  # of a record: data, profile, settings; under others numbers differ


@dataclass(frozen=True)
class Comparison:
    """What moved between two folders of reports.

    unlike : notebook -> which of its conditions differ (`CONDITIONS`); nothing of it is called "beyond".
    equal : notebook -> how many of its cells are equal.
    only : what one side alone has, or what could not be compared, a line each.
    """

    unlike: dict[str, str]
    equal: dict[str, int]
    moved: list[Moved]
    only: list[str]

    def of_kind(self, *kinds: str) -> list[Moved]:
        """What moved in one of these ways."""
        return [cell for cell in self.moved if cell.kind in kinds]

    def of_like(self) -> "Comparison":
        """The part of it that is of notebooks under the same conditions on both sides."""
        equal = {notebook: cells for notebook, cells in self.equal.items() if notebook not in self.unlike}
        return replace(self, unlike={}, equal=equal, moved=[cell for cell in self.moved if cell.notebook in equal])

    @property
    def is_clean(self) -> bool:
        """Whether nothing moved beyond its interval and no verdict turned from supported to opposite or back."""
        return not self.of_kind("beyond") and not any(cell.turned for cell in self.moved)

    def as_json(self) -> dict[str, object]:
        """All of it, for other programs."""
        cells = [{**vars(cell), "turned": cell.turned} for cell in self.moved]
        summary: dict[str, object] = {"clean": self.is_clean, "summary": self.counts(), "unlike": self.unlike}
        return summary | {"moved": cells, "only": self.only}

    def counts(self) -> dict[str, int]:
        """How many cells were compared, are equal, moved in each way, and how many verdicts turned round."""
        kinds = Counter(cell.kind for cell in self.moved)
        equal = sum(self.equal.values())
        counts = {"compared": equal + len(self.moved), "equal": equal} | {kind: kinds[kind] for kind in KINDS}
        return counts | {"turned": sum(cell.turned for cell in self.moved)}


def compare_reports(first: Path, second: Path) -> Comparison:
    """Compares every table of the notebooks that both folders hold: reports of a profile, or of one notebook.

    Raises UserError where a folder holds no report, they have no notebook in common, or a file is damaged.
    """
    sides = [_reports(first), _reports(second)]
    if not (shared := [name for name in sides[0] if name in sides[1]]):
        raise UserError(f"{first} and {second} have no notebook in common: give two folders of one profile's reports")
    unlike = _unlike({name: (sides[0][name], sides[1][name]) for name in shared})
    only = [f"only in {folder}: {name}" for folder, names in _missing(first, second, *sides) for name in names]
    equal, moved = dict.fromkeys(shared, 0), list[Moved]()
    for notebook in shared:
        tables = [_tables(side[notebook]) for side in sides]
        only += [f"only in {folder}: {notebook}/{name}" for folder, names in _missing(first, second, *tables)
                 for name in names]  # fmt: skip
        for name in [name for name in tables[0] if name in tables[1]]:
            difference = compare_tables(notebook, name, _read(tables[0][name]), _read(tables[1][name]))
            equal[notebook] += difference.equal
            moved += [_without_alarm(cell) if notebook in unlike else cell for cell in difference.moved]
            only += _onesided(f"{notebook}/{name}", difference, first, second)
    return Comparison(unlike, equal, sorted(moved, key=_rank), only)


def lines(comparison: Comparison, *, most: int | None = None) -> Iterator[str]:
    """The comparison in words: what differs in the conditions, the summary, then what moved, the worst first.

    most: of the moved cells; then what one side alone has is counted, and else listed.
    """
    for notebook, differing in comparison.unlike.items():
        yield f"other conditions: {notebook}: {differing}; nothing of it is called beyond its interval"
    counts = comparison.counts()
    yield (
        f"{counts['compared']} cells compared: {counts['equal']} equal, {counts['within']} moved within and "
        f"{counts['beyond']} beyond their interval, {counts['moved'] + counts['text']} others moved; "
        f"{counts['verdict']} verdicts changed, {counts['turned']} of them between supported and opposite"
    )
    yield from (line(cell) for cell in comparison.moved[:most])
    if most is None:
        yield from comparison.only
    elif rest := len(comparison.moved[most:]) + len(comparison.only):
        yield f"... and {rest} more"


def line(cell: Moved) -> str:
    """One moved cell in words."""
    where = f"{cell.kind:8}{cell.notebook}/{cell.table}: {row_name(cell.row)}: {cell.column}"
    size = "" if cell.change is None else f" ({cell.change:+.4g}"
    if cell.half_width is not None:
        size += f", half its interval {cell.half_width:.4g}"
    if cell.half_width is None and cell.relative is not None:
        size += f", {cell.relative:+.1%}"
    return f"{where}: {cell.first or 'empty'} -> {cell.second or 'empty'}{size}{')' if size else ''}"


def _rank(cell: Moved) -> tuple[int, bool, float]:
    """By kind, verdicts that turned round first; then by how far it moved in its own measure."""
    measure = abs(cell.change or 0) / cell.half_width if cell.half_width else abs(cell.relative or 0)
    return KINDS.index(cell.kind), not cell.turned, -measure


def _without_alarm(cell: Moved) -> Moved:
    return replace(cell, kind="moved") if cell.kind in ("beyond", "within") else cell


def _reports(folder: Path) -> dict[str, Path]:
    """Notebook -> the folder of its report: this one, or those in it."""
    if (folder / RECORD).is_file():
        return {str(read_record(folder / RECORD).get("notebook", folder.name)): folder}
    if reports := {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{RECORD}"))}:
        return reports
    raise UserError(f"{folder} holds no report (no {RECORD} in it or in a folder of it): give reports/PROFILE, or the "
                    "folder of one notebook in it")  # fmt: skip


def _tables(report: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(report.glob("*.csv"))}


def _missing(first: Path, second: Path, ours: dict, theirs: dict) -> list[tuple[Path, list[str]]]:
    """Each folder with what it alone has."""
    return [(first, [name for name in ours if name not in theirs]), (second, [n for n in theirs if n not in ours])]


def _onesided(where: str, difference: TableDifference, first: Path, second: Path) -> list[str]:
    sides = ((first, difference.only_first), (second, difference.only_second))
    listed = [f"only in {folder}: {where}: {what}" for folder, names in sides for what in names]
    return [*listed, f"not compared: {where}: {difference.fault}"] if difference.fault else listed


def _unlike(shared: dict[str, tuple[Path, Path]]) -> dict[str, str]:
    """Notebook -> its conditions that differ, in words. What gathers records is unlike where one of these is."""
    unlike = {}
    for notebook, folders in shared.items():
        ours, theirs = (read_record(folder / RECORD) for folder in folders)
        differing = [text for name in CONDITIONS if (text := _condition(name, ours.get(name), theirs.get(name)))]
        if differing:
            unlike[notebook] = "; ".join(differing)
    gathering = [name for name in shared if reads_records(name) and name not in unlike]
    return unlike | (dict.fromkeys(gathering, "it gathers notebooks of other conditions") if unlike else {})


def _condition(name: str, ours: object, theirs: object) -> str:
    """What of a condition differs; "" where nothing does."""
    if ours == theirs:
        return ""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return f"{name} {ours} and {theirs}"
    differing = [key for key in sorted(ours | theirs) if ours.get(key) != theirs.get(key)]
    return f"{name} " + ", ".join(f"{key} {ours.get(key)!r} and {theirs.get(key)!r}" for key in differing)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:  # also of pandas' parser, and of text that is no UTF-8
        raise UserError(
            f"{path} is damaged ({error}): take it from another copy, or let the study make it again"
        ) from None
