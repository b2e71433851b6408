"""What notebooks call: the study they open, what it shows and keeps, and the record it writes."""

import json
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from echolib import session
from echolib.papers.claims import Claim, Comparison, Evidence, NotTestable
from echolib.papers.exhibits import ClaimsTable, Figure, Published, Table, no_row
from echolib.session import Study
from echolib.workspace import WorkspaceError


@pytest.fixture
def written(tmp_path, monkeypatch) -> list:
    """An empty home; the phantoms that were asked for are noted instead of written."""
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    monkeypatch.delenv("ECHOLIB_REPORT", raising=False)
    monkeypatch.delenv("ECHOLIB_DEADLINE", raising=False)
    monkeypatch.setattr("echolib.report.style", lambda: None)  # it would outlive the test
    folders = []
    monkeypatch.setattr(session, "write_missing_phantom", lambda folder, items: folders.append(folder))
    return folders


@pytest.fixture
def study(written) -> Study:
    """A researcher's own notebook in the smoke profile, on the phantom alone."""
    return Study.open("02_x", profile="smoke", echonet_dynamic="", camus="", echonet_lvh="", epochs=3)


@pytest.fixture
def swept(monkeypatch, tmp_path) -> dict:
    """What the sweep was asked for; it gives results without training."""
    seen = {}

    def run_all(experiments, context, progress):
        seen.update(experiments=experiments, context=context, progress=progress)
        metrics = {"mae": 3.1, "peak_memory_mib": 10**7}
        return [SimpleNamespace(experiment=e, folder=tmp_path / f"{e.name}-k", metrics=metrics) for e in experiments]

    monkeypatch.setattr(session, "run_all", run_all)
    return seen


def experiment(name: str, seed: int = 0) -> SimpleNamespace:
    """As much of an experiment as a study looks at."""
    data = (SimpleNamespace(dataset="camus"),)
    return SimpleNamespace(name=name, seed=seed, data=data, ancestors=lambda: [])


def scores(results, setup) -> pd.DataFrame:
    return pd.DataFrame({"model": list(results) or ["a"], "mae": 3.14159})


def test_opening_says_where_the_data_come_from(written, tmp_path, capsys):
    real = tmp_path / "real camus"
    real.mkdir()
    study = Study.open("02_x", profile="smoke", camus=str(real), echonet_dynamic="")
    assert (study.label("camus"), study.given("camus"), study.folder("camus")) == ("CAMUS", True, real)
    assert (study.label("echonet_dynamic"), study.given("echonet_dynamic")) == ("phantom", False)
    assert study.label("echonet_dynamic", "camus") == "phantom and CAMUS"
    assert study.folder("echonet_dynamic") == tmp_path / "data" / "phantom-smoke" / "EchoNet-Dynamic"
    assert written == [tmp_path / "data" / "phantom-smoke"]
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("02_x   profile smoke")
    assert [line.split()[0] for line in lines] == ["CAMUS", "EchoNet-Dynamic"]  # those that the notebook uses
    assert lines[0].endswith(str(real)) and "your folder" in lines[0] and "phantom" in lines[1]


def test_a_notebook_whose_data_are_all_given_needs_no_phantom(written, tmp_path):
    Study.open("02_x", profile="smoke", camus=str(tmp_path))
    assert written == [None]


def test_unknown_profiles_datasets_and_folders_are_refused(study, tmp_path):
    with pytest.raises(WorkspaceError, match="no profile 'tiny': one of smoke"):
        Study.open("02_x", profile="tiny")
    with pytest.raises(WorkspaceError, match=r"EchoNet-LVH: no folder .*/nowhere"):
        Study.open("02_x", profile="smoke", echonet_lvh=str(tmp_path / "nowhere"))
    with pytest.raises(WorkspaceError, match="no dataset 'CAMUS': one of"):
        study.folder("CAMUS")


def test_a_profile_without_phantom_names_the_missing_folder(written):
    study = Study.open("02_x", profile="paper")
    with pytest.raises(WorkspaceError, match="make study ECHONET_DYNAMIC=FOLDER"):
        study.folder("echonet_dynamic")


def test_seeds_size_the_profile_and_the_rest_are_choices(written):
    study = Study.open("02_x", profile="smoke", camus="", seeds=3, settings="released")
    assert study.profile.seeds == study.profile.compared_seeds == (0, 1, 2)
    assert dict(study.setup.choices) == {"settings": "released"}


def test_run_hands_over_context_and_deadline_and_keeps_what_came_out(study, swept, monkeypatch, tmp_path):
    rows = {"first": [experiment("a", 1)], "second": [experiment("b"), experiment("c", 2)]}
    results = study.run(Table(name="t", caption="", rows=lambda setup: rows, measure=scores))
    assert {row: [result.experiment.name for result in found] for row, found in results.items()} == {
        "first": ["a"], "second": ["b", "c"],
    }  # fmt: skip
    context = swept["context"]
    assert (context.runs, context.cache, context.deadline) == (tmp_path / "runs", tmp_path / "cache", None)
    assert swept["progress"]
    record = json.loads(study.record().read_text())
    assert record["seeds"] == [0, 1, 2]
    metrics = {"mae": 3.1, "peak_memory_mib": 10**7}
    assert record["experiments"]["a"] == {"folder": "a-k", "metrics": metrics, "simulated": True}
    assert record["peak_memory_mib"] == 10**7 and record["data"] == {"CAMUS": "phantom"}


def test_only_what_rests_on_the_phantom_alone_is_recorded_as_simulated(written, swept, tmp_path):
    """Its parents' data count too: an encoder that saw patients is none of the phantom's."""
    study = Study.open("02_x", profile="smoke", echonet_dynamic="", camus=str(tmp_path))
    on_camus, on_phantom, started_from = experiment("a"), experiment("b"), experiment("c")
    on_phantom.data = started_from.data = (SimpleNamespace(dataset="echonet_dynamic"),)
    started_from.ancestors = lambda: [on_camus]
    study.run_experiments([on_camus, on_phantom, started_from])
    experiments = json.loads(study.record().read_text())["experiments"]
    assert {name: facts["simulated"] for name, facts in experiments.items()} == {"a": False, "b": True, "c": False}


def test_the_record_names_the_experiments_of_each_row(study, swept):
    rows = {"first": [experiment("a"), experiment("b", 1)], ("no", "text"): [experiment("c")]}
    study.show(Table(name="scores", caption="", rows=lambda setup: rows, measure=scores))
    assert json.loads(study.record().read_text())["rows"] == {"scores": {"first": ["a", "b"]}}


def test_inside_a_study_there_is_a_deadline_and_no_bar(written, swept, monkeypatch, tmp_path):
    monkeypatch.setenv("ECHOLIB_DEADLINE", "1234.5")
    monkeypatch.setenv("ECHOLIB_REPORT", str(tmp_path / "staged"))
    study = Study.open("02_x", profile="smoke", camus="")
    study.run_experiments([experiment("c", 2)])
    assert swept["context"].deadline == 1234.5 and not swept["progress"]
    study.show(Table(name="scores", caption="", measure=scores))
    study.record()
    assert {path.name for path in (tmp_path / "staged").iterdir()} >= {"scores.csv", "record.json"}
    assert not (tmp_path / "reports").exists()


def test_what_the_paper_does_not_declare_is_refused(study, swept, monkeypatch):
    """Else the plan would not know of it."""
    declared = Table(name="declared", caption="", measure=scores)
    monkeypatch.setattr(session, "exhibits_of", lambda notebook: (declared,))
    monkeypatch.setattr(session, "experiments_of", lambda notebook, setup: [])
    study.show(declared)
    with pytest.raises(ValueError, match="PAPER does not declare other for 02_x"):
        study.show(Table(name="other", caption="", measure=scores))
    with pytest.raises(ValueError, match="asks for stray: declare one"):
        study.run_experiments([_Hashable(experiment("stray"))])


def test_everything_that_a_notebook_asks_for_runs_side_by_side(study, swept, monkeypatch):
    asked = [_Hashable(experiment("a")), _Hashable(experiment("b"))]
    monkeypatch.setattr(session, "exhibits_of", lambda notebook: ("declared",))
    monkeypatch.setattr(session, "experiments_of", lambda notebook, setup: asked)
    study.run_everything()
    assert swept["experiments"] == asked and set(study.experiments) == {"a", "b"}


class _Hashable:
    """A stand-in for an experiment that a set can hold."""

    def __init__(self, content: SimpleNamespace):
        self.__dict__.update(vars(content))


def test_the_record_holds_what_a_rerun_needs_and_no_folder_of_this_machine(study, tmp_path):
    phantom = tmp_path / "data" / "phantom-smoke"
    phantom.mkdir(parents=True)
    (phantom / "phantom.json").write_text("{}")
    study.folder("camus")
    path = study.record(videos=24)
    assert path == tmp_path / "reports" / "smoke" / "02_x" / "record.json"
    record = json.loads(path.read_text())
    assert record["parameters"] == {"profile": "smoke", "epochs": 3}
    assert record["numbers"] == {"videos": 24}
    assert record["data"] == {"CAMUS": "phantom"}  # the one that was used
    assert list(record["fingerprints"]) == ["camus"] and record["fingerprints"]["camus"].startswith("phantom-")
    assert {"python", "torch", "numpy"} <= set(record["versions"])
    assert record["seconds"] >= 0 and record["peak_memory_mib"] > 0
    assert str(tmp_path) not in path.read_text()


def test_tables_and_figures_go_to_the_report(study, tmp_path):
    report = tmp_path / "reports" / "smoke" / "02_x"
    frame = study.show(Table(name="scores", caption="What was scored", measure=scores, data=("camus",)))
    assert frame["mae"].tolist() == [3.14159]
    assert {"scores.csv", "scores.md", "scores.tex"} == {path.name for path in report.iterdir()}
    assert "phantom" in (report / "scores.md").read_text()
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1])
    study.figure(figure, "line", caption="A line")
    assert (report / "line.png").is_file() and (report / "line.svg").is_file()
    assert not plt.fignum_exists(figure.number)
    assert json.loads(study.record().read_text())["shown"] == [["scores", "What was scored"], ["line", "A line"]]


def nearer(*rivals: str) -> list[Claim]:
    """The claim that ours is nearer to the label than each of several others."""
    parts = tuple(Comparison("ours", rival, f"against {rival}", printed=-2.0) for rival in rivals)
    return [Claim("ours is nearer", "MAE (EF points)", "lower", parts)]


def three_points_nearer(results, setup, claim, part) -> Evidence:
    label = np.full(30, 50.0)
    two_seeds = np.tile(label, (2, 1))
    return Evidence(lambda label, value: abs(label - value).mean(-1), label, two_seeds + 4, two_seeds + 1)


def test_claims_are_tested_and_kept_for_the_scorecard(study):
    table = ClaimsTable(
        name="claims",
        caption="c",
        claims=lambda setup: nearer("theirs", "another"),
        evidence=three_points_nearer,
        data=("camus",),
    )
    frame = study.show(table)
    assert frame["difference"].tolist() == [-3.0] and frame["verdict"].tolist() == ["supported"]
    parts = study.show(table.in_parts())
    assert parts["condition"].tolist() == ["against theirs", "against another"]
    (entry,) = json.loads(study.record().read_text())["claims"]  # the claim once, its comparisons not at all
    assert entry["paper"] == "02_x" and entry["claim"] == "ours is nearer" and entry["data"] == "phantom"
    assert (entry["parts"], entry["printed"], entry["verdict"]) == ("2 of 2", -2.0, "supported")


@pytest.fixture
def story(written) -> Study:
    """A notebook in a profile that runs the story alone."""
    return Study.open("02_x", profile="demo", camus="")


def told(**fields) -> Table:
    """A table of three methods beside published numbers, of which `plain` and `ours` tell the story."""
    rows = {name: [experiment(name)] for name in ("plain", "ours", "theirs")}
    published = pd.DataFrame({"model": ["ours", "theirs", "plain"], "mae": [1.0, 2.0, 3.0]})
    options = {
        "rows": lambda setup: rows,
        "story": {"plain", "ours"}.__contains__,
        "measure": scores,
        "data": ("camus",),
    }
    options["published"] = Published(read=lambda: published, keys="model", metrics=("mae",))
    return Table(**({"name": "scores", "caption": "What was scored."} | options | fields))


def test_a_story_leaves_rows_out_and_says_so(story, study, swept, tmp_path):
    table = story.show(told()).set_index("model")
    assert [experiment.name for experiment in swept["experiments"]] == ["plain", "ours"]  # theirs is not trained
    assert table.loc["theirs", "data"] == "in full" and np.isnan(table.loc["theirs", "mae"])
    assert table.loc["theirs", "mae_published"] == 2.0
    assert table.loc[["plain", "ours"], "data"].tolist() == ["phantom"] * 2
    record = json.loads(story.record().read_text())
    caption = "What was scored. In the larger profiles: theirs."
    assert record["shown"] == [["scores", caption]] and record["rows"] == {
        "scores": {"plain": ["plain"], "ours": ["ours"]}
    }
    assert caption in (tmp_path / "reports" / "demo" / "02_x" / "scores.md").read_text()
    every = study.show(told()).set_index("model")  # a profile that is no story
    assert [experiment.name for experiment in swept["experiments"]] == ["plain", "ours", "theirs"]
    assert every["data"].tolist() == ["phantom"] * 3
    assert json.loads(study.record().read_text())["shown"] == [["scores", "What was scored."]]


@pytest.mark.parametrize(
    "left_out", [{"story": no_row}, {"story": no_row, "rows": lambda setup: {}}, {"story": {"x"}.__contains__}]
)
def test_what_tells_no_part_of_the_story_is_named_and_not_made(story, swept, capsys, tmp_path, left_out):
    capsys.readouterr()
    assert story.show(told(**left_out)) is None
    assert capsys.readouterr().out == "scores: made in the larger profiles (full, gpu, paper)\n"
    assert swept == {} and not (tmp_path / "reports").exists()
    record = json.loads(story.record().read_text())
    assert record["shown"] == [] and record["rows"] == {}


def test_of_a_comparison_with_a_row_left_out_the_claim_says_so(story, swept):
    def evidence(results, setup, claim, part) -> Evidence:
        if part.worse not in results:
            raise NotTestable("it was not run")
        return three_points_nearer(results, setup, claim, part)

    rows = {name: [experiment(name)] for name in ("ours", "plain", "theirs")}
    table = ClaimsTable(
        name="claims",
        caption="c",
        rows=lambda setup: rows,
        story={"plain", "ours"}.__contains__,
        claims=lambda setup: nearer("plain", "theirs"),
        evidence=evidence,
    )
    (claim,) = story.show(table).to_dict("records")
    assert (claim["verdict"], claim["parts"], claim["condition"]) == ("open", "1 of 2", "against plain")
    parts = story.show(table.in_parts())
    assert parts["verdict"].tolist() == ["supported", "not testable: in full"]


@pytest.mark.parametrize("given", [False, True])
def test_pixels_of_real_data_stay_out_of_what_is_published(written, tmp_path, given):
    study = Study.open("02_x", profile="smoke", camus=str(tmp_path) if given else "")
    drawn = Figure(
        name="frames", caption="A patient", draw=lambda *_: plt.figure(figsize=(2, 1)), shows_items_of=("camus",)
    )
    study.show(drawn)
    folder = tmp_path / "reports" / "smoke" / "02_x" / ("private" if given else "")
    assert {path.name for path in folder.glob("frames.*")} == {"frames.png", "frames.svg"}
    assert bool(json.loads(study.record().read_text())["shown"]) != given


def files_below(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_all_that_is_made_of_a_file_of_ones_own_is_private(written, tmp_path):
    study = Study.open("02_x", profile="smoke", camus="", video="", clip="/secret/Jane_Doe.avi")
    study.show(Table(name="scores", caption="", measure=scores))
    study.figure(plt.figure(figsize=(2, 1)), "line")
    assert json.loads(study.record(ef_percent=61.7).read_text())["private"]
    made = files_below(tmp_path / "reports")
    assert made == {f"smoke/02_x/private/own/{name}" for name in (
        "scores.csv", "scores.md", "scores.tex", "line.png", "line.svg", "record.json",
    )}  # fmt: skip


@pytest.mark.parametrize("given", [False, True])
def test_a_table_of_single_items_of_real_data_is_not_published(written, tmp_path, given):
    study = Study.open("02_x", profile="smoke", camus=str(tmp_path) if given else "")
    study.show(Table(name="patients", caption="", measure=scores, data=("camus",), shows_items_of=("camus",)))
    place = "smoke/02_x/private/" if given else "smoke/02_x/"
    assert files_below(tmp_path / "reports") == {place + f"patients.{kind}" for kind in ("csv", "md", "tex")}
    assert bool(json.loads(study.record().read_text())["shown"]) != given


def test_a_record_is_strict_json(study):
    def refuse(constant):
        raise ValueError(constant)

    path = study.record(loss=float("inf"), scores=[float("nan"), {"low": -float("inf")}], mae=np.float64("nan"))
    numbers = json.loads(path.read_text(), parse_constant=refuse)["numbers"]
    assert numbers == {"loss": None, "scores": [None, {"low": None}], "mae": None}
