"""One exhibit at a time: what is made, and what a profile of the story leaves to the larger ones."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from echolib.engine.experiment import RunContext
from echolib.folders import DataFolders
from echolib.papers.exhibits import Exhibit, Setup, Table, no_row
from echolib.papers.profiles import PROFILES
from echolib.runner import single
from echolib.runner.notebook import StudyError


@pytest.fixture
def setup(tmp_path) -> Setup:
    """The profile demo on a phantom that was never written."""
    return Setup(
        PROFILES["demo"], DataFolders({}, Path("phantom")), context=RunContext(tmp_path, tmp_path, torch.device("cpu"))
    )


@pytest.fixture
def trained(monkeypatch) -> list:
    """Names of the experiments that were asked for; they give results without training."""
    names = []

    def run_all(experiments, context):
        names.extend(experiments)
        return [SimpleNamespace(folder=name) for name in experiments]

    monkeypatch.setattr(single, "run_all", run_all)
    return names


def table(**fields) -> Table:
    """A table of two rows, one experiment each."""
    options = {"rows": lambda setup: {"told": ["a"], "left out": ["b"]}, "story": "told".__eq__}

    def measure(results, setup) -> pd.DataFrame:
        return pd.DataFrame({"row": list(results)})

    return Table(**({"name": "scores", "caption": "Scores.", "measure": measure} | options | fields))


def test_an_exhibit_of_the_story_trains_its_rows_alone(setup, trained, tmp_path):
    made = single.make_exhibit(table(), setup, tmp_path / "made")
    assert trained == ["a"] and pd.read_csv(made.with_suffix(".csv"))["row"].tolist() == ["told"]
    assert "Scores. In the larger profiles: left out." in made.read_text()


@pytest.mark.parametrize("fields", [{"story": no_row}, {"story": "no such row".__eq__}])
def test_what_the_profile_leaves_out_is_refused(setup, trained, tmp_path, fields):
    with pytest.raises(StudyError, match=r"^scores is made in the larger profiles: full, gpu, paper$"):
        single.make_exhibit(table(**fields), setup, tmp_path / "made")
    assert trained == [] and not (tmp_path / "made").exists()
    whole = Setup(PROFILES["full"], setup.folders, context=setup.context)
    single.make_exhibit(table(**fields), whole, tmp_path / "made")
    assert trained == ["a", "b"]


def test_an_exhibit_without_experiments_is_made_unless_it_tells_no_part_of_the_story(setup):
    assert Exhibit(name="videos", caption="Videos.").is_made(setup)
    assert not Exhibit(name="noise", caption="Noise.", story=no_row).is_made(setup)
    assert Exhibit(name="videos", caption="Videos.").caption_for(setup) == "Videos."
