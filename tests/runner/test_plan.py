"""What a plan says before anything is there: on no data, after another profile, with other parameters."""

from pathlib import Path

import pytest

from echolib.engine.experiment import in_order
from echolib.papers.registry import papers
from echolib.runner.notebook import StudyError
from echolib.runner.plan import asked_experiments, make_plan
from echolib.runner.request import make_request
from echolib.workspace import WorkspaceError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home with the study's notebooks and nothing else."""
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    for name in ("ECHONET_DYNAMIC", "CAMUS", "ECHONET_LVH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def names(profile: str, **options) -> list[str]:
    """The experiments that a profile asks for, parents first."""
    request, _ = make_request(profile, options.get("data", ()), options.get("only", ()), options.get("parameters", ()))
    asked = [experiment for _, of_notebook in asked_experiments(request) for experiment in of_notebook]
    return [experiment.name for experiment in in_order(asked)]


@pytest.mark.parametrize("profile", ["smoke", "demo", "full", "gpu"])
def test_every_profile_is_planned_before_its_phantom_is_written(home, profile):
    planned = names(profile)
    assert len(planned) > (50 if profile == "demo" else 100) and len(set(planned)) == len(planned)
    assert [path.name for path in home.iterdir()] == ["notebooks"]


def test_the_story_leaves_out_notebooks_and_rows(home):
    """Demo runs no notebook that tells no part of it, and of the others the rows that do."""
    of_profile = {profile: make_request(profile, (), (), ())[0] for profile in ("demo", "full")}
    notebooks = {profile: {notebook.name for notebook in request.notebooks} for profile, request in of_profile.items()}
    assert notebooks["full"] - notebooks["demo"] == {"24_ef_systems", "31_tca_robustness", "50_real_patients"}
    assert notebooks["full"] == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    story = names("demo")
    for row in ("system-echognn", "imbalance-ranksim", "tca-m3", "tca-se", "multitask-derived", "ef-mc3_18"):
        assert [name for name in names("full") if name.startswith(row)], row
        assert [name for name in story if name.startswith(row)] == [], row
    for row in ("ef-r2plus1d_18", "imbalance-ldw-supcon", "experts3", "tca-m1", "tca-m2", "camus-unet"):
        assert len([name for name in story if name.startswith(row)]) >= 3, row  # seeds
    assert [name for name in story if name.startswith("multitask")] == ["multitask-partial-both-seed0"]  # and no rival


def test_a_notebook_that_a_profile_leaves_out_is_not_asked_for_in_vain(home):
    with pytest.raises(StudyError, match=r"24_ef_systems: not in the profile 'demo' but in full, gpu, paper"):
        make_request("demo", (), ["24"], ())
    request, _ = make_request("demo", (), ["30", "31"], ())
    assert [notebook.name for notebook in request.notebooks] == ["30_tca_ablation"]
    request, _ = make_request("smoke", (), ["24"], ())
    assert [notebook.name for notebook in request.notebooks] == ["24_ef_systems"]


def test_a_phantom_of_another_profile_changes_nothing(home, phantom):
    before = names("demo", only=["02"])
    (home / "data").mkdir()
    (home / "data" / "phantom-smoke").symlink_to(phantom)
    request, _ = make_request("demo", (), ["02"], ())
    plan = make_plan(request)
    assert [step.experiment.name for step in plan.steps] == before
    assert {step.state for step in plan.steps} == {"new: its data are not there yet"}
    request, _ = make_request("smoke", (), ["02"], ())
    assert {step.state for step in make_plan(request).steps} == {"new"}
    assert {path.name for path in home.iterdir()} == {"notebooks", "data"}  # nothing decoded, nothing trained


def test_parameters_are_planned_as_the_notebooks_would_have_them(home):
    one, two = names("smoke", only=["20"]), names("smoke", only=["20"], parameters=["seeds=2"])
    assert len(two) == 2 * len(one) and {name for name in two if name.endswith("seed1")}
    assert names("smoke", only=["00", "20"], parameters=["seeds=2"]) == two  # 00 has no seeds: its own stay


def test_notebooks_that_lack_a_folder_are_named(home, phantom):
    request, _ = make_request("paper", [f"camus={phantom / 'CAMUS'}"], (), ())
    asked = dict(asked_experiments(request))
    lacking = {name for name, experiments in asked.items() if isinstance(experiments, WorkspaceError)}
    assert "22_echomen_comparison" in lacking and "make study ECHONET_DYNAMIC=FOLDER" in str(
        asked["22_echomen_comparison"]
    )


def test_single_exhibits_are_split_from_notebooks(home):
    request, exhibits = make_request("smoke", (), ["22:table_1", "02"], ())
    assert exhibits == {"22": "table_1"}
    assert [notebook.name for notebook in request.notebooks] == ["02_echonet_dynamic", "22_echomen_comparison"]


def test_every_notebook_of_the_study_is_declared_once():
    declared = [notebook for paper in papers().values() for notebook in paper.notebooks]
    assert sorted(declared) == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_exhibits_of_a_notebook_have_names_of_their_own():
    for paper in papers().values():
        for notebook, exhibits in paper.notebooks.items():
            titles = [exhibit.name for exhibit in exhibits]
            assert len(set(titles)) == len(titles), notebook
