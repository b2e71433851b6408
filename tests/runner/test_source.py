"""Reading a notebook before it runs: whatever would make it run with other settings than asked is refused."""

import nbformat
import pytest

from echolib.runner.notebook import Notebook, StudyError, find_notebooks, parse_value


def test_parameters_title_and_kernel_are_read(write_notebook):
    notebook = Notebook.read(write_notebook("02_x", "pass"))
    assert notebook.parameters == {"profile": "smoke", "epochs": 3, "rate": 0.5, "camus": ""}
    assert (notebook.name, notebook.title, notebook.kernel) == ("02_x", "What 02_x asks", "python3")


def test_annotated_and_negative_parameters_are_literals(write_notebook):
    path = write_notebook("02_x", parameters='seeds: tuple = (0, 1)  # which\nshift = -2\nname: str = "a"\n')
    assert Notebook.read(path).parameters == {"seeds": (0, 1), "shift": -2, "name": "a"}


def test_missing_tag_is_refused(write_notebook):
    with pytest.raises(StudyError, match=r"02_x\.ipynb: 0 cells are tagged 'parameters'"):
        Notebook.read(write_notebook("02_x", "epochs = 3", parameters=None))


def test_two_tagged_cells_are_refused(write_notebook):
    path = write_notebook("02_x")
    content = nbformat.read(path, as_version=4)
    content.cells.append(nbformat.v4.new_code_cell("epochs = 9", metadata={"tags": ["parameters"]}))
    nbformat.write(content, path)
    with pytest.raises(StudyError, match="2 cells are tagged"):
        Notebook.read(path)


@pytest.mark.parametrize("line", ["epochs = 2 * 3", "import os", "a = b = 1", "epochs: int", "a, b = 1, 2", "x ="])
def test_derived_parameters_are_refused(write_notebook, line):
    with pytest.raises(StudyError, match="parameters cell may only hold lines like"):
        Notebook.read(write_notebook("02_x", parameters=line))


def test_unknown_names_and_wrong_types_are_all_named(write_notebook):
    notebook = Notebook.read(write_notebook("02_x"))
    with pytest.raises(StudyError) as caught:
        notebook.accept({"epoch": 1, "epochs": "many", "rate": 1, "profile": "demo"})
    message = str(caught.value)
    assert "no parameter 'epoch' (its parameters cell sets profile, epochs, rate, camus)" in message
    assert "epochs = 'many' is not a int" in message
    assert "rate" not in message.replace("rate, camus", "")  # an integer stands for a float


def test_a_boolean_is_not_an_integer(write_notebook):
    with pytest.raises(StudyError, match="epochs = True"):
        Notebook.read(write_notebook("02_x")).accept({"epochs": True})


def test_missing_kernel_is_refused_with_those_there_are(write_notebook):
    with pytest.raises(StudyError, match=r"no kernel 'julia-9' here, only .*python3"):
        Notebook.read(write_notebook("02_x", kernel="julia-9")).require_kernel()
    with pytest.raises(StudyError, match="name no kernel"):
        Notebook.read(write_notebook("03_x", kernel=None))


def test_text_that_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "00_x.ipynb").write_text("not json")
    with pytest.raises(StudyError, match=r"00_x\.ipynb: not a notebook"):
        Notebook.read(tmp_path / "00_x.ipynb")


def test_order_and_choice_of_notebooks(write_notebook):
    folder = write_notebook("10_b").parent
    write_notebook("02_a")
    write_notebook("draft")  # unnumbered: not part of the study
    assert [n.name for n in find_notebooks(folder)] == ["02_a", "10_b"]
    assert [n.name for n in find_notebooks(folder, ["10"])] == ["10_b"]
    with pytest.raises(StudyError, match="no notebook starts with '7'"):
        find_notebooks(folder, ["02", "7"])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no notebook"):
        find_notebooks(tmp_path)


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("0.5", 0.5), ("True", True), ("/data/x", "/data/x"), ("", "")])
def test_values_from_the_command_line(text, value):
    assert parse_value(text) == value
