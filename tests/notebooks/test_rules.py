"""What every notebook keeps to, so that the study can run it, a reader read it, and a change of it show in a diff."""

import ast
from pathlib import Path

import nbformat
import pytest

from echolib.data.registry import dataset_names
from echolib.papers.registry import exhibits_of, experiments_of
from echolib.runner.notebook import Notebook
from tests.studies import notebook_setup

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 15


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    """Each notebook of the repository."""
    return request.param


@pytest.fixture
def notebook(path) -> Notebook:
    """Its parameters and its source."""
    return Notebook.read(path)


@pytest.fixture
def code(path) -> list:
    """Its code cells."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def calls(notebook: Notebook, of: str, method: str) -> list[ast.Call]:
    """Every call of a method of a name, such as `Study.open(...)`."""
    return [
        node
        for node in ast.walk(ast.parse(notebook.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{of}.{method}"
    ]


def test_it_is_a_valid_notebook_of_the_current_format(path):
    content = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(content)
    assert content.nbformat == 4
    assert len({cell["id"] for cell in content.cells}) == len(content.cells)


def test_parameters_and_kernel(notebook):
    assert notebook.kernel == "python3"
    assert notebook.parameters["profile"] == "demo"
    folders = {name: notebook.parameters[name] for name in dataset_names() if name in notebook.parameters}
    assert set(folders.values()) <= {""}, "a folder of this machine was left in"


def test_parameters_name_the_datasets_that_it_uses_and_no_others(notebook, tmp_path):
    setup = notebook_setup(notebook.name, tmp_path)
    used = {dataset for exhibit in exhibits_of(notebook.name) for dataset in exhibit.data}
    for experiment in experiments_of(notebook.name, setup):
        used |= {selection.dataset for ancestor in (*experiment.ancestors(), experiment) for selection in ancestor.data}
    for call in calls(notebook, "study", "folder"):
        used.add(ast.literal_eval(call.args[0]))
    assert {name for name in dataset_names() if name in notebook.parameters} == used


def test_every_parameter_says_what_it_is_and_of_which_type(code):
    (cell,) = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert [line for line in cell.source.splitlines() if line.strip() and "#" not in line] == []
    assert all(isinstance(line, ast.AnnAssign) for line in ast.parse(cell.source).body)


def test_no_outputs_are_committed(code):
    assert [cell.outputs for cell in code if cell.outputs] == []
    assert [cell.execution_count for cell in code if cell.execution_count is not None] == []


def test_cells_are_short(code):
    lengths = [len(cell.source.splitlines()) for cell in code]
    assert max(lengths) <= LONGEST_CELL


def test_code_lives_in_the_package(notebook):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert [node.name for node in ast.walk(ast.parse(notebook.source)) if isinstance(node, kinds)] == []


def test_it_opens_its_study_with_all_that_it_sets_and_records(notebook):
    (opening,) = calls(notebook, "Study", "open")
    assert ast.literal_eval(opening.args[0]) == notebook.name
    passed = {keyword.arg: ast.unparse(keyword.value) for keyword in opening.keywords}
    assert passed == {name: name for name in notebook.parameters}
    assert len(calls(notebook, "study", "record")) == 1


SINGLE_ITEMS = {  # figures that show single videos, images or patients
    "00_data_exploration": {"traced_frames", "clip", "camus_masks", "keypoints"},
    "01_explore": {"extremes", "area"},
    "02_echonet_dynamic": {"area_over_time"},
    "10_contrastive_pretraining": {"views", "neighbours"},
    "11_contrastive_segmentation": {"outlines"},
}


def test_figures_of_single_items_of_real_data_are_private(notebook):
    private = {
        ast.literal_eval(call.args[1])
        for call in calls(notebook, "study", "figure")
        for keyword in call.keywords
        if keyword.arg == "private" and ast.unparse(keyword.value).startswith(("study.given(", "private"))
    }
    assert private == SINGLE_ITEMS.get(notebook.name, set())
