"""A notebook as it lies in notebooks/: its one parameters cell, its kernel, and what may be set."""

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from echolib.errors import UserError

PARAMETERS = "parameters"


class StudyError(UserError, RuntimeError):
    """A notebook that cannot be run as asked, or that failed."""


@dataclass(frozen=True)
class Notebook:
    """One notebook and the typed literals of its parameters cell."""

    path: Path
    kernel: str
    title: str
    parameters: Mapping[str, object]
    source: str  # of its code cells

    @property
    def name(self) -> str:
        """The file's name without its suffix; the notebook's report bears it too."""
        return self.path.stem

    @classmethod
    def read(cls, path: Path) -> "Notebook":
        """Reads a notebook; StudyError where the parameters cell or the kernel is missing or not as agreed."""
        cells, metadata = _read(path)
        kernel = metadata.get("kernelspec", {}).get("name")
        if not kernel:
            raise StudyError(f"{path.name}: its metadata name no kernel: set the kernel python3 and save it")
        source = "\n".join(_python(cell.source) for cell in cells if cell.kind == "code")
        return cls(path, kernel, _title(cells, path.stem), read_parameters(cells, path.name), source)

    def accept(self, values: Mapping[str, object]) -> dict[str, object]:
        """`values` checked against the parameters cell: every name known, every type the default's.

        An integer stands for a float. Raises StudyError naming every value that does not fit.
        """
        faults = []
        for name, value in values.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters)
                faults.append(f"no parameter {name!r} (its parameters cell sets {known})")
                continue
            default = self.parameters[name]
            fits = type(value) is type(default) or (type(default) is float and type(value) is int) or default is None
            if not fits:
                faults.append(f"{name} = {value!r} is not a {type(default).__name__} as {default!r} is")
        if faults:
            raise StudyError(f"{self.path.name}: " + "; ".join(faults))
        return dict(values)

    def require_kernel(self) -> None:
        """Raises StudyError, naming the kernels there are, unless this notebook's kernel is installed."""
        from jupyter_client.kernelspec import KernelSpecManager

        installed = sorted(KernelSpecManager().find_kernel_specs())
        if self.kernel not in installed:
            raise StudyError(f"{self.path.name}: no kernel {self.kernel!r} here, only {', '.join(installed)}")


@dataclass(frozen=True)
class Cell:
    """One cell: "code" or "markdown", its source, and its tags."""

    kind: str
    source: str
    tags: tuple[str, ...]


def _read(path: Path) -> tuple[list[Cell], dict]:
    """Cells and metadata. Read as JSON: the library that knows all versions of notebooks takes a second to load."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["nbformat"] != 4:
            raise ValueError(f"format {content['nbformat']}, not 4: open it in JupyterLab and save it")
        cells = [
            Cell(cell["cell_type"], "".join(cell["source"]), tuple(cell["metadata"].get("tags", ())))
            for cell in content["cells"]
        ]
        return cells, content["metadata"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{path.name}: not a notebook that can be read: {error}") from error


def read_parameters(cells: Iterable[Cell], name: str) -> dict[str, object]:
    """The assignments of the one cell tagged `parameters`; each must be a plain literal.

    Papermill alone would warn of a missing tag or an unknown name and run on with the defaults, hours long.
    """
    tagged = [cell for cell in cells if PARAMETERS in cell.tags]
    if len(tagged) != 1:
        raise StudyError(f"{name}: {len(tagged)} cells are tagged {PARAMETERS!r}, exactly one must be")
    parameters = {}
    try:
        for line in ast.parse(tagged[0].source).body:
            target, value = _assignment(line)
            parameters[target] = ast.literal_eval(value)
    except (SyntaxError, ValueError) as error:
        raise StudyError(f"{name}: its parameters cell may only hold lines like `epochs = 5`: {error}") from error
    return parameters


def _python(source: str) -> str:
    """A cell's code without its magics, which no parser of Python reads."""
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))


def _assignment(line: ast.stmt) -> tuple[str, ast.expr]:
    targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
    value = getattr(line, "value", None)
    if len(targets) != 1 or not isinstance(targets[0], ast.Name) or value is None:
        raise ValueError(f"`{ast.unparse(line)}` is not a plain assignment")
    return targets[0].id, value


def _title(cells: Iterable[Cell], fallback: str) -> str:
    for cell in cells:
        for line in cell.source.splitlines() if cell.kind == "markdown" else ():
            if line.startswith("# "):
                return line[2:].strip()
    return fallback


def find_notebooks(folder: Path, only: Iterable[str] = ()) -> list[Notebook]:
    """The numbered notebooks of a folder in their order; `only` keeps those whose name starts with one of its words.

    Raises StudyError for a word that fits none, and for an empty folder.
    """
    paths = sorted(folder.glob("[0-9]*.ipynb"))
    names = [path.stem for path in paths]
    for word in only:
        if not any(name.startswith(word) for name in names):
            raise StudyError(f"no notebook starts with {word!r}; there are {', '.join(names) or 'none at all'}")
    if not paths:
        raise StudyError(f"{folder} holds no notebook")
    wanted = tuple(only)
    return [Notebook.read(path) for path in paths if not wanted or path.stem.startswith(wanted)]


def parse_value(text: str) -> object:
    """A parameter from the command line: a Python literal where it reads as one, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
