"""What every notebook keeps to, so that the study can run it, a reader read it, and a change of it show in a diff."""

import ast
from pathlib import Path

import nbformat
import pytest

from echolib.data.folders import DATASETS
from echolib.runner.notebook import Notebook

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 15


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    """Each notebook of the repository."""
    return request.param


@pytest.fixture
def code(path) -> list:
    """Its code cells."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_it_is_a_valid_notebook_of_the_current_format(path):
    content = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(content)
    assert content.nbformat == 4
    assert len({cell["id"] for cell in content.cells}) == len(content.cells)


def test_parameters_and_kernel(path):
    notebook = Notebook.read(path)
    assert notebook.kernel == "python3"
    assert {"profile", *DATASETS} <= set(notebook.parameters)
    assert notebook.parameters["profile"] == "demo"
    assert all(notebook.parameters[dataset] == "" for dataset in DATASETS), "a folder of this machine was left in"


def test_every_parameter_says_what_it_is(path, code):
    (cell,) = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert [line for line in cell.source.splitlines() if line.strip() and "#" not in line] == []


def test_no_outputs_are_committed(code):
    assert [cell.outputs for cell in code if cell.outputs] == []
    assert [cell.execution_count for cell in code if cell.execution_count is not None] == []


def test_cells_are_short(code):
    lengths = [len(cell.source.splitlines()) for cell in code]
    assert max(lengths) <= LONGEST_CELL


def test_code_lives_in_the_package(code):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    source = "\n".join(cell.source for cell in code if not cell.source.startswith("%"))
    assert [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)] == []


def test_it_starts_under_its_own_name_and_records(path, code):
    source = "\n".join(cell.source for cell in code if not cell.source.startswith("%"))
    calls = {
        node.func.attr: node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert ast.literal_eval(calls["start"].args[0]) == path.stem
    assert "record" in calls
