"""A finished notebook's report: moved into reports/, rendered as HTML, and listed in the profile's index."""

import json
import os
import shutil
from pathlib import Path

from echolib.files import write_text
from echolib.runner.notebook import Notebook

_FORMATS = "Made by the notebooks; every table lies here as CSV, Markdown and LaTeX, every figure as PNG and SVG."


def publish(executed: Path, staged: Path, report: Path) -> None:
    """Moves what a notebook staged into `report`, adds the notebook itself and its HTML, removes what it made before.

    executed: the executed notebook; staged: the folder its tables and figures were written to.
    """
    write_text(staged / "notebook.html", _render(executed))
    shutil.copyfile(executed, staged / "notebook.ipynb")
    made = {path.relative_to(staged) for path in staged.rglob("*") if path.is_file()}
    for name in sorted(made):
        (report / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged / name, report / name)
    for path in [path for path in report.rglob("*") if path.is_file() and path.relative_to(report) not in made]:
        path.unlink()
    shutil.rmtree(staged)


def _render(executed: Path) -> str:
    from nbconvert import HTMLExporter

    return HTMLExporter().from_filename(str(executed))[0]


def write_index(reports: Path, notebooks: list[Notebook]) -> Path:
    """Writes README.md of one profile's reports: each notebook with its tables and figures.

    It holds no date and no seconds, so that the same reports give the same bytes.
    """
    lines = [f"# Reports of the profile `{reports.name}`", "", _FORMATS, ""]
    for notebook in notebooks:
        folder = reports / notebook.name
        if folder.is_dir():
            lines += [f"## {notebook.title}", "", *_entry(folder), ""]
    index = reports / "README.md"
    write_text(index, "\n".join(lines))
    return index


def _entry(folder: Path) -> list[str]:
    record = json.loads((folder / "record.json").read_text()) if (folder / "record.json").is_file() else {}
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
