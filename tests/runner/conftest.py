"""Throw-away notebooks: small, and free of torch, so that a kernel starts in a second."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

PARAMETERS = 'profile = "smoke"\nepochs = 3\nrate = 0.5\ncamus = ""\n'


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook: its code cells, after one parameters cell (None leaves that out)."""

    def write(name: str, *cells: str, parameters: str | None = PARAMETERS, kernel: str | None = "python3") -> Path:
        content = nbformat.v4.new_notebook()
        if kernel is not None:
            content.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        content.cells.append(nbformat.v4.new_markdown_cell(f"# What {name} asks"))
        if parameters is not None:
            content.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        content.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(content, path)
        return path

    return write
