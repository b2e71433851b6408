"""The whole study: what runs again and what does not, when it stops, and what a report is made of."""

import json
import os
import shutil
import time

import pytest
from filelock import FileLock, Timeout

from echolib.folders import locate
from echolib.runner import run as study_run
from echolib.runner.execute import NotebookFailed, NotebookStopped
from echolib.runner.notebook import StudyError, find_notebooks
from echolib.runner.plan import Plan
from echolib.runner.request import Request
from echolib.runner.run import run as run_study
from echolib.workspace import Workspace


def run(request: Request, announce=Plan, **limits) -> bool:
    """The study with nothing to train."""
    return run_study(request, announce=announce, **limits)


@pytest.fixture
def request_for(write_notebook, tmp_path):
    """A request over two notebooks in the profile demo, with the phantom's description in place."""
    write_notebook("02_a", "print(1)")
    write_notebook("10_b", "print(2)")
    workspace = Workspace(tmp_path)
    phantom = workspace.phantom("demo")
    phantom.mkdir(parents=True)
    (phantom / "phantom.json").write_text('{"videos": 3}')

    def make(only=(), camus: str = "", **settings) -> Request:
        folders = locate(workspace, "demo", {"camus": camus}, phantom=True)
        return Request(workspace, "demo", find_notebooks(tmp_path / "notebooks", only), folders, settings)

    return make


@pytest.fixture
def executed(monkeypatch):
    """Names of the notebooks that were executed, in order; execution itself only stages a table."""
    names = []

    def execute(notebook, parameters, stem, *, home, deadline, cell_timeout, on_line):
        names.append(notebook.name)
        on_line("[1/1] an experiment: mae 3.1 (2 s)")
        staged = stem.with_name(stem.name + ".report-1")
        staged.mkdir(parents=True, exist_ok=True)
        (staged / "scores.md").write_text(f"| {parameters} |\n")
        (staged / "scores.csv").write_text("a\n")
        (staged / "scatter.png").write_bytes(b"png")
        shown = [["scores", "Scores of all"], ["scatter", "Labels and predictions"]]
        record = {"device": "CPU", "data": {"CAMUS": "phantom"}, "shown": shown, "seconds": time.time()}
        (staged / "record.json").write_text(json.dumps(record))
        shutil.copyfile(notebook.path, stem.with_name(stem.name + ".ipynb"))
        return staged

    monkeypatch.setattr(study_run, "execute", execute)
    monkeypatch.setattr("echolib.runner.publish._render", lambda path: "<html></html>")
    return names


def test_runs_in_order_then_not_again(request_for, executed, capsys):
    assert run(request_for())
    assert executed == ["02_a", "10_b"]
    assert "[1/1] an experiment" in capsys.readouterr().out
    assert run(request_for(), announce=lambda: pytest.fail("nothing has to run"))
    assert executed == ["02_a", "10_b"]
    assert "02_a: up to date" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda home: (home / "notebooks/02_a.ipynb").write_text((home / "notebooks/02_a.ipynb").read_text() + "\n"),
        lambda home: (home / "reports/demo/02_a/scores.md").write_text("tampered"),
        lambda home: (home / "reports/demo/02_a/scores.csv").unlink(),
        lambda home: (home / "runs/notebooks/demo/02_a.json").write_text("{"),
    ],
    ids=["notebook", "report", "lost", "stamp"],
)
def test_a_change_of_one_notebook_reruns_that_one(request_for, executed, tmp_path, change):
    run(request_for())
    change(tmp_path)
    executed.clear()
    run(request_for())
    assert executed == ["02_a"]
    run(request_for())
    assert executed == ["02_a"]


def test_a_change_of_data_code_or_parameters_reruns_all(request_for, executed, tmp_path, monkeypatch):
    run(request_for())
    executed.clear()
    (tmp_path / "data/phantom-demo/phantom.json").write_text('{"videos": 4}')
    run(request_for())
    assert executed == ["02_a", "10_b"]
    run(request_for(epochs=5))
    assert executed == ["02_a", "10_b"] * 2
    run(request_for(epochs=5))
    assert executed == ["02_a", "10_b"] * 2
    monkeypatch.setattr("echolib.runner.stamp.code_hashes", lambda notebook: {"losses/byol.py": "changed"})
    run(request_for(epochs=5))
    assert executed == ["02_a", "10_b"] * 3


def test_what_gathers_records_runs_after_any_of_them(request_for, executed, write_notebook, monkeypatch):
    monkeypatch.setattr("echolib.papers.registry.reads_records", lambda notebook: notebook == "90_c")
    write_notebook("90_c", "print(3)")
    run(request_for())
    run(request_for())
    assert executed == ["02_a", "10_b", "90_c"]
    write_notebook("02_a", "print(4)")
    run(request_for())
    assert executed == ["02_a", "10_b", "90_c", "02_a", "90_c"]
    write_notebook("10_b", "print(5)")
    run(request_for(["10"]))
    run(request_for(["90"]))
    run(request_for(["90"]))
    assert executed[5:] == ["10_b", "90_c"]


def test_real_folders_are_watched_by_name_size_and_time(request_for, executed, tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (real / "patient0001.cfg").write_text("EF: 50")
    run(request_for(["02"], camus=str(real)))
    run(request_for(["02"], camus=str(real)))
    assert executed == ["02_a"]
    (real / "patient0001.cfg").write_text("EF: 51")
    run(request_for(["02"], camus=str(real)))
    assert executed == ["02_a"] * 2


@pytest.fixture
def predicted(executed, monkeypatch, tmp_path):
    """Each notebook's record names the same experiment on the phantom."""
    complete = study_run.execute

    def execute(*words, **options):
        staged = complete(*words, **options)
        record = json.loads((staged / "record.json").read_text())
        record["experiments"] = {"base-seed0": {"folder": "base-seed0-k", "simulated": True}}
        (staged / "record.json").write_text(json.dumps(record))
        return staged

    (tmp_path / "runs/base-seed0-k").mkdir(parents=True)
    (tmp_path / "runs/base-seed0-k/predictions.csv").write_text("name,label,prediction\n0X1,50.0,51.23456\n")
    monkeypatch.setattr(study_run, "execute", execute)
    return tmp_path / "reports/demo/predictions/base-seed0.csv"


def test_predictions_are_published_beside_the_reports_and_made_again_where_they_changed(
    request_for, executed, predicted, tmp_path
):
    run(request_for())
    assert predicted.read_text() == "name,label,prediction\n0X1,50.000,51.235\n"
    assert "`predictions/` holds what each experiment" in (tmp_path / "reports/demo/README.md").read_text()
    run(request_for())
    assert executed == ["02_a", "10_b"]
    shutil.rmtree(tmp_path / "reports/demo/10_b")
    run(request_for())
    assert executed == ["02_a", "10_b", "10_b"] and predicted.exists()
    predicted.unlink()
    run(request_for(["02"]))
    assert executed[3:] == ["02_a"] and predicted.exists()
    run(request_for())
    assert executed[3:] == ["02_a"]


def test_of_what_is_private_no_prediction_is_published(request_for, executed, predicted, monkeypatch):
    monkeypatch.setattr(Request, "is_private", lambda self, notebook: True)
    run(request_for())
    assert executed and not predicted.exists()


def test_the_study_ends_with_the_comparison_to_what_was_committed(request_for, executed, capsys, monkeypatch):
    run(request_for())
    assert capsys.readouterr().out.splitlines()[-1].startswith("not compared with committed reports: ")
    monkeypatch.setattr(study_run, "lines_since_commit", lambda home, profile: [f"{home.name} {profile}", "moved"])
    run(request_for())
    assert capsys.readouterr().out.splitlines()[-2:] == [f"{request_for().workspace.home.name} demo", "moved"]


def test_a_report_holds_what_the_last_run_made_and_no_more(request_for, executed, tmp_path):
    report = tmp_path / "reports/demo/02_a"
    (report / "private").mkdir(parents=True)
    (report / "private" / "old.png").write_bytes(b"of another version")
    run(request_for())
    made = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    assert made == {"scores.md", "scores.csv", "scatter.png", "record.json", "notebook.ipynb", "notebook.html"}
    assert not list((tmp_path / "runs/notebooks/demo").glob("*.report*"))


def test_the_index_links_every_table_and_is_the_same_again(request_for, executed, tmp_path):
    run(request_for())
    index = (tmp_path / "reports/demo/README.md").read_text()
    for expected in (
        "## What 02_a asks",
        "Notebook `02_a`, on CPU. Data: CAMUS: phantom.",
        "- [Scores of all](02_a/scores.md) ([csv](02_a/scores.csv), [tex](02_a/scores.tex))",
        "![Labels and predictions](02_a/scatter.png)",
        "## What 10_b asks",
    ):
        assert expected in index
    (tmp_path / "runs/notebooks/demo/10_b.json").unlink()
    run(request_for())
    assert (tmp_path / "reports/demo/README.md").read_text() == index


def test_the_index_keeps_notebooks_left_out_of_this_run(request_for, executed, tmp_path):
    run(request_for())
    index = (tmp_path / "reports/demo/README.md").read_text()
    run(request_for(["10"]))
    assert (tmp_path / "reports/demo/README.md").read_text() == index


def test_a_stamp_is_of_the_files_that_were_staged(request_for, executed, monkeypatch):
    """Not of what lies in the report afterwards, whoever put it there."""
    replace = os.replace

    def lose(source, target):
        if "scores.csv" not in str(target):
            replace(source, target)

    monkeypatch.setattr("echolib.runner.publish.os.replace", lose)
    request = request_for(["02"])
    run(request)
    (notebook,) = request.notebooks
    assert "scores.csv" in json.loads(request.stamp(notebook).read_text())["report"]
    assert not request.is_current(notebook)


def test_what_a_killed_study_left_is_removed(request_for, executed, tmp_path):
    left = [
        "runs/notebooks/demo/02_a.report-0/scores.md",
        "runs/notebooks/demo/.02_a.json.0.partial",
        "reports/demo/.README.md.0.partial",
        "reports/demo/02_a/.scores.md.0.partial",
    ]
    for name in left:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("half")
    run(request_for(["02"]))
    assert [name for name in left if (tmp_path / name).exists()] == []
    assert not (tmp_path / "runs/notebooks/demo/02_a.report-0").exists()


def test_reports_are_written_by_one_study_at_a_time(request_for, executed, monkeypatch, tmp_path):
    held = []

    def seen(function):
        def observed(*words):
            with pytest.raises(Timeout):
                FileLock(tmp_path / "runs/notebooks/demo/publishing.lock").acquire(timeout=0)
            held.append(function.__name__)
            return function(*words)

        return observed

    for function in (study_run.publish, study_run.write_index):
        monkeypatch.setattr(study_run, function.__name__, seen(function))
    run(request_for(["02"]))
    assert held == ["publish", "write_index", "write_index"]


def test_past_the_deadline_nothing_starts(request_for, executed):
    assert not run(request_for(), deadline=time.time() - 1)
    assert executed == []


def test_out_of_time_stops_and_the_next_call_goes_on(request_for, executed, monkeypatch, tmp_path):
    complete = study_run.execute

    def stop(notebook, *args, **kwargs):
        raise NotebookStopped("2 of 9 epochs done") if notebook.name == "10_b" else None

    monkeypatch.setattr(study_run, "execute", lambda n, *a, **k: complete(n, *a, **k) if n.name == "02_a" else stop(n))
    assert not run(request_for())
    assert not (tmp_path / "runs/notebooks/demo/10_b.json").exists()
    monkeypatch.setattr(study_run, "execute", complete)
    assert run(request_for())
    assert executed == ["02_a", "10_b"]


def test_a_failure_leaves_the_old_report_and_no_stamp(request_for, executed, monkeypatch, tmp_path):
    run(request_for())
    before = (tmp_path / "reports/demo/02_a/record.json").read_bytes()

    def fail(notebook, parameters, stem, **rest):
        (stem.with_name(stem.name + ".report-1")).mkdir()
        (stem.with_name(stem.name + ".report-1") / "scores.md").write_text("half")
        raise NotebookFailed("cell 3 failed")

    monkeypatch.setattr(study_run, "execute", fail)
    with pytest.raises(StudyError, match="cell 3 failed"):
        run(request_for(epochs=5))
    assert (tmp_path / "reports/demo/02_a/record.json").read_bytes() == before
    assert not (tmp_path / "runs/notebooks/demo/02_a.json").exists()


def test_a_full_disk_is_named_and_leaves_no_stamp(request_for, executed, monkeypatch, tmp_path):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("echolib.runner.publish._render", full)
    with pytest.raises(StudyError, match=r"02_a: its report could not be written: .*No space left"):
        run(request_for())
    assert not (tmp_path / "runs/notebooks/demo/02_a.json").exists()
    assert not (tmp_path / "reports/demo/02_a").exists()


def test_every_notebook_is_checked_before_the_first_runs(request_for, executed, write_notebook):
    write_notebook("20_c", parameters='profile = "demo"\nepochs = "three"\n')
    with pytest.raises(StudyError, match=r"20_c\.ipynb: epochs = 5 is not a str"):
        run(request_for(epochs=5))
    write_notebook("20_c", kernel="julia-9")
    with pytest.raises(StudyError, match=r"20_c\.ipynb: no kernel 'julia-9'"):
        run(request_for())
    assert executed == []


def test_a_folder_left_in_a_parameters_cell_is_refused(request_for, executed, write_notebook):
    write_notebook("20_c", parameters='profile = "demo"\ncamus = "/data/CAMUS"\n')
    with pytest.raises(StudyError, match=r"20_c\.ipynb: .* '/data/CAMUS': set camus = \"\" again, and give --data"):
        run(request_for())
    assert executed == []
