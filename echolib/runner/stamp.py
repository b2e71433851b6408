"""What a notebook was run from and what it made: the stamp that says whether it is up to date."""

from collections.abc import Mapping
from pathlib import Path

import echolib.papers as papers_package
from echolib.files import file_sha256, finite
from echolib.runner.notebook import Notebook
from echolib.sealed import read_sealed, write_sealed


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, shortened to 16 hexadecimal digits."""
    return file_sha256(path)[:16]


def code_hashes(notebook: Notebook) -> dict[str, str]:
    """File -> hash of all that can change a notebook's report: the modules that its cells and its paper import, and the
    published numbers beside them."""
    from echolib.engine.code import code_of_modules, code_of_source
    from echolib.papers.registry import papers

    hashes = code_of_source(notebook.source)
    for folder, paper in papers().items():
        if notebook.name in paper.notebooks:
            hashes |= code_of_modules(frozenset({f"{papers_package.__name__}.{folder}.contents"}))
    folder = Path(papers_package.__file__).parent
    return hashes | {path.relative_to(folder).as_posix(): file_hash(path) for path in sorted(folder.rglob("*.csv"))}


def inputs(notebook: Notebook, parameters: Mapping[str, object], data: Mapping[str, str]) -> dict:
    """All that a notebook's report follows from; `data` holds the fingerprint of each dataset's folder."""
    return {
        "notebook": file_hash(notebook.path),
        "code": code_hashes(notebook),
        "parameters": dict(parameters),
        "data": dict(data),
    }


def report_files(report: Path) -> dict[str, Path]:
    """Relative path -> file, of every file of a report; not of the report on a person's own file inside it."""
    files = {path.relative_to(report).as_posix(): path for path in sorted(report.rglob("*")) if path.is_file()}
    return {name: path for name, path in files.items() if not name.startswith("private/own/")}


def report_hashes(report: Path) -> dict[str, str]:
    """Relative path -> hash of every file of a report."""
    return {name: file_hash(path) for name, path in report_files(report).items()}


def write_stamp(stamp: Path, made_from: Mapping, made: Mapping[str, str]) -> None:
    """Written last, and only for a notebook that succeeded. made: hashes of its report as the notebook made it."""
    write_sealed(stamp, {"inputs": made_from, "report": made})


def is_current(stamp: Path, made_from: Mapping, report: Path) -> bool:
    """Whether the stamp is of these very inputs and the report's files are those it made."""
    try:
        written = read_sealed(stamp)
        return written["inputs"] == finite(dict(made_from)) and not changed_files(stamp, report)
    except (OSError, ValueError, KeyError, AttributeError):  # not whole, or just being written anew
        return False


def changed_files(stamp: Path, report: Path) -> list[str]:
    """The files of a report that are missing or not as the stamp says. Raises OSError and ValueError for a stamp that
    cannot be read."""
    made = read_sealed(stamp)["report"]
    return [name for name, value in made.items() if not (report / name).is_file() or file_hash(report / name) != value]
