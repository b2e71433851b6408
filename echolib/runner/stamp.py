"""What a notebook was run from and what it made: the stamp that says whether it is up to date."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import echolib.papers as papers_package
from echolib.files import write_json
from echolib.runner.notebook import Notebook


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, shortened to 16 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


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
    write_json(stamp, {"inputs": made_from, "report": made})


def is_current(stamp: Path, made_from: Mapping, report: Path) -> bool:
    """Whether the stamp is of these very inputs and the report's files are those it made."""
    try:
        written = json.loads(stamp.read_text(encoding="utf-8"))
        if written["inputs"] != json.loads(json.dumps(dict(made_from))):
            return False
        return all(file_hash(report / name) == value for name, value in written["report"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not whole, or just being written anew
        return False
