"""A finished notebook's report: moved into reports/, rendered as HTML, and listed in the profile's index."""

import json
import os
import shutil
from pathlib import Path

from echolib.files import write_text
from echolib.provenance import read_record
from echolib.runner.notebook import Notebook, StudyError
from echolib.runner.predictions import PREDICTIONS
from echolib.runner.request import Request
from echolib.runner.stamp import report_files, report_hashes

INDEX = "README.md"  # of one profile's reports
_FORMATS = "Made by the notebooks; every table lies here as CSV, Markdown and LaTeX, every figure as PNG and SVG."
_PREDICTED = (
    f"`{PREDICTIONS}/` holds what each experiment on the phantom predicted, one row per test item, EF in percent: "
    "tables can be computed from it without a training. Experiments on real data are not in it."
)


def publish(executed: Path, staged: Path, report: Path) -> dict[str, str]:
    """Moves what a notebook staged into `report`, adds the notebook itself and its HTML, removes what it made before.

    executed: the executed notebook; staged: the folder its tables and figures were written to. Returns the hash of
    each file as it was staged. What lies in the report's private folder of one's own file is another report.
    """
    write_text(staged / "notebook.html", _render(executed))
    shutil.copyfile(executed, staged / "notebook.ipynb")
    made = report_hashes(staged)
    for name in sorted(made):
        (report / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged / name, report / name)
    for name in report_files(report).keys() - made.keys():
        (report / name).unlink()
    return made


def remove_partial(folder: Path, name: str) -> None:
    """Removes what a killed process left of a file of this name, half written."""
    for partial in folder.glob(f".{name}.*.partial"):
        partial.unlink(missing_ok=True)


def require_as_asked(staged: Path, request: Request, notebook: Notebook) -> None:
    """Raises StudyError where a staged record says that the notebook worked with other parameters than the study gave
    it, such as another profile: it would be published in the wrong place."""
    try:
        record = read_record(staged / "record.json")
    except FileNotFoundError:  # a notebook that records nothing
        return
    asked = {"notebook": notebook.name, "private": request.is_private(notebook), **request.everything(notebook)}
    asked = json.loads(json.dumps(asked, default=str))  # as a record writes it: lists for tuples
    recorded = {**record, **record.get("parameters", {})}
    for name in asked.keys() & recorded.keys():
        if asked[name] != recorded[name]:
            raise StudyError(
                f"{notebook.name}: asked for {name} = {asked[name]!r}, but its record says {recorded[name]!r}: it is "
                "not published; let Study.open take every parameter as the parameters cell sets it"
            )


def _render(executed: Path) -> str:
    from nbconvert import HTMLExporter

    return HTMLExporter().from_filename(str(executed))[0]


def write_index(reports: Path, notebooks: list[Notebook]) -> Path:
    """Writes README.md of one profile's reports: each notebook with its tables and figures.

    It holds no date and no seconds, so that the same reports give the same bytes.
    """
    predicted = [_PREDICTED, ""] if (reports / PREDICTIONS).is_dir() else []
    lines = [f"# Reports of the profile `{reports.name}`", "", _FORMATS, "", *predicted]
    for notebook in notebooks:
        folder = reports / notebook.name
        if folder.is_dir():
            lines += [f"## {notebook.title}", "", *_entry(folder), ""]
    index = reports / INDEX
    write_text(index, "\n".join(lines))
    return index


def _entry(folder: Path) -> list[str]:
    record = read_record(folder / "record.json") if (folder / "record.json").is_file() else {}
    data = ", ".join(f"{name}: {label}" for name, label in record.get("data", {}).items())
    device = record.get("device", "an unrecorded device")
    lines = [f"Notebook `{folder.name}`, on {device}. Data: {data or 'not recorded'}."]
    tables, figures = [""], []
    for name, caption in record.get("shown", []):
        if (folder / f"{name}.md").is_file():
            others = ", ".join(f"[{kind}]({folder.name}/{name}.{kind})" for kind in ("csv", "tex"))
            tables.append(f"- [{caption}]({folder.name}/{name}.md) ({others})")
        elif (folder / f"{name}.png").is_file():
            figures += ["", f"![{caption}]({folder.name}/{name}.png)"]
    return lines + tables + figures
