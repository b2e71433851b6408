"""What notebooks call: the study they open, what it shows and keeps, and the record it writes."""

import json
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from echolib import session as notebook
from echolib.engine import sweep
from echolib.workspace import WorkspaceError


@pytest.fixture
def written(tmp_path, monkeypatch) -> list[str]:
    """An empty home; the profiles whose phantom was asked for are noted instead of written."""
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    monkeypatch.delenv("ECHOLIB_REPORT", raising=False)
    monkeypatch.delenv("ECHOLIB_DEADLINE", raising=False)
    monkeypatch.setattr("echolib.report.style", lambda: None)  # it would outlive the test
    names = []
    monkeypatch.setattr(notebook, "write_missing_phantom", lambda sources, profile, device: names.append(profile.name))
    return names


@pytest.fixture
def study(written) -> notebook.Study:
    """A study of the smoke profile on the phantom alone."""
    return notebook.start("02_x", profile="smoke", epochs=3)


def experiment(name: str, seed: int = 0) -> SimpleNamespace:
    """As much of an experiment as a study looks at."""
    return SimpleNamespace(name=name, seed=seed)


def test_start_says_where_the_data_come_from(written, tmp_path, capsys):
    real = tmp_path / "real camus"
    real.mkdir()
    study = notebook.start("02_x", profile="smoke", camus=str(real))
    assert (study.label("camus"), study.given("camus"), study.folder("camus")) == ("CAMUS", True, real)
    assert (study.label("echonet_dynamic"), study.given("echonet_dynamic")) == ("phantom", False)
    assert study.folder("echonet_dynamic") == tmp_path / "data" / "phantom-smoke" / "EchoNet-Dynamic"
    assert written == ["smoke"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("02_x   profile smoke")
    assert lines[1:4] == [
        f"EchoNet-Dynamic  phantom   {tmp_path}/data/phantom-smoke/EchoNet-Dynamic",
        f"CAMUS            your folder   {real}",
        f"EchoNet-LVH      phantom   {tmp_path}/data/phantom-smoke/EchoNet-LVH",
    ]


def test_phantom_and_real_folders_stand_side_by_side(written, tmp_path):
    real, simulated = tmp_path / "real", tmp_path / "data" / "phantom-smoke" / "CAMUS"
    real.mkdir()
    simulated.mkdir(parents=True)
    assert notebook.start("00_x", profile="smoke").folders("camus") == {"phantom": simulated}
    both = notebook.start("00_x", profile="smoke", camus=str(real)).folders("camus")
    assert list(both.items()) == [("phantom", simulated), ("CAMUS", real)]
    assert notebook.start("00_x", profile="paper", camus=str(real)).folders("camus") == {"CAMUS": real}


def test_unknown_profiles_datasets_and_folders_are_refused(study, tmp_path):
    with pytest.raises(WorkspaceError, match="no profile 'tiny': one of smoke"):
        notebook.start("02_x", profile="tiny")
    with pytest.raises(WorkspaceError, match=r"EchoNet-LVH: no folder .*/nowhere"):
        notebook.start("02_x", profile="smoke", echonet_lvh=str(tmp_path / "nowhere"))
    with pytest.raises(WorkspaceError, match="no dataset 'CAMUS': one of echonet_dynamic, camus, echonet_lvh"):
        study.folder("CAMUS")


def test_a_profile_without_phantom_names_the_missing_folder(written):
    study = notebook.start("02_x", profile="paper")
    with pytest.raises(WorkspaceError, match="make study ECHONET_DYNAMIC=FOLDER"):
        study.folder("echonet_dynamic")


def test_run_hands_over_place_and_deadline_and_keeps_what_came_out(study, monkeypatch, tmp_path):
    seen = {}

    def run(experiments, place, progress):
        seen.update(place=place, progress=progress)
        metrics = {"mae": 3.1, "peak_memory_mib": 10**7}
        return [SimpleNamespace(experiment=e, folder=tmp_path / f"{e.name}-k", metrics=metrics) for e in experiments]

    monkeypatch.setattr(sweep, "run", run)
    results = study.run([experiment("a", 1), experiment("b")])
    assert [result.experiment.name for result in results] == ["a", "b"]
    place = seen["place"]
    assert (place.runs, place.cache, place.deadline) == (tmp_path / "runs", tmp_path / "cache", None)
    assert seen["progress"]
    monkeypatch.setenv("ECHOLIB_DEADLINE", "1234.5")
    monkeypatch.setenv("ECHOLIB_REPORT", str(tmp_path / "staged"))
    study.run([experiment("c", 2)])
    assert seen["place"].deadline == 1234.5 and not seen["progress"]
    record = json.loads(study.record().read_text())
    assert record["seeds"] == [0, 1, 2]
    assert record["experiments"]["a"] == {"folder": "a-k", "metrics": {"mae": 3.1, "peak_memory_mib": 10**7}}
    assert record["peak_memory_mib"] == 10**7


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
    study.table(pd.DataFrame({"model": ["a"], "mae": [3.14159]}), "scores", "What was scored", label="phantom")
    assert {"scores.csv", "scores.md", "scores.tex"} == {path.name for path in report.iterdir()}
    assert "phantom" in (report / "scores.md").read_text()
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1])
    study.figure(figure, "line", caption="A line")
    assert (report / "line.png").is_file() and (report / "line.svg").is_file()
    assert not plt.fignum_exists(figure.number)
    assert json.loads(study.record().read_text())["shown"] == [["scores", "What was scored"], ["line", "A line"]]


def test_private_figures_stay_out_of_what_is_committed(study, tmp_path):
    figure, _ = plt.subplots(figsize=(2, 1))
    study.figure(figure, "frames", caption="A patient", private=True)
    report = tmp_path / "reports" / "smoke" / "02_x"
    assert {path.name for path in (report / "private").iterdir()} == {"frames.png", "frames.svg"}
    assert json.loads(study.record().read_text())["shown"] == []


def test_inside_a_study_everything_is_staged(study, monkeypatch, tmp_path):
    monkeypatch.setenv("ECHOLIB_REPORT", str(tmp_path / "staged"))
    study.table(pd.DataFrame({"a": [1]}), "scores")
    study.record()
    assert {path.name for path in (tmp_path / "staged").iterdir()} >= {"scores.csv", "record.json"}
    assert not (tmp_path / "reports").exists()
