"""What is of one person stays where git does not look: a file of one's own, and single items of a real dataset."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from echolib import cli
from echolib.engine.experiment import RunContext
from echolib.engine.sweep import run_all
from echolib.papers.registry import experiments_of
from echolib.runner.notebook import Notebook
from echolib.runner.request import Request, make_request
from tests.studies import notebook_setup

ROOT = Path(__file__).resolve().parents[2]
SECRET = "SECRET"


@pytest.fixture(scope="module")
def trained(phantom, phantom_cache, tmp_path_factory) -> Path:
    """The experiments behind the notebook, finished."""
    runs = tmp_path_factory.mktemp("runs")
    setup = notebook_setup("01_explore", phantom)
    context = RunContext(runs, phantom_cache, torch.device("cpu"))
    run_all(experiments_of("01_explore", setup), context, progress=False)
    return runs


@pytest.fixture
def home(tmp_path, monkeypatch, phantom, phantom_cache, trained) -> Path:
    """A repository with the notebook on one video, the phantom of the tests, and the rules of what git ignores."""
    rules = (ROOT / ".gitignore").read_text().replace("/reports/smoke/\n", "")  # as it is for every other profile
    home = tmp_path / "home"
    (home / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "01_explore.ipynb", home / "notebooks")
    (home / ".gitignore").write_text(rules)
    (home / "data").mkdir()
    (home / "data" / "phantom-smoke").symlink_to(phantom)
    (home / "cache").symlink_to(phantom_cache)
    (home / "runs").mkdir()
    for experiment in trained.glob("*-*"):
        (home / "runs" / experiment.name).symlink_to(experiment)
    (home / ".git" / "info").mkdir(parents=True)
    git(home, "init", "--quiet")
    (home / ".git" / "info" / "exclude").write_text("/cache\n")  # a link here, a folder elsewhere
    monkeypatch.setenv("ECHOLIB_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("echolib.phantom.writers.missing.write_missing_phantom", lambda *args, **kwargs: None)
    for name in ("ECHONET_DYNAMIC", "CAMUS", "ECHONET_LVH"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def clip(tmp_path, phantom) -> Path:
    """A file of one's own, named after a person."""
    folder = tmp_path / f"{SECRET}_folder"
    folder.mkdir()
    video = sorted((phantom / "EchoNet-Dynamic" / "Videos").iterdir())[-1]
    return Path(shutil.copy(video, folder / f"{SECRET}_Jane_Doe_1954.avi"))


def git(home: Path, *words: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    return subprocess.run(["git", "-C", home, *identity, *words], check=True, capture_output=True, text=True).stdout


def study(*words: str) -> str:
    result = CliRunner().invoke(cli.app, ["study", "--profile", "smoke", "--only", "01", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_of_a_file_of_ones_own_nothing_comes_where_git_looks(home, clip):
    study()
    git(home, "add", "--all")
    git(home, "commit", "--quiet", "--message", "published")
    report = home / "reports/smoke/01_explore"
    stamp = (home / "runs/notebooks/smoke/01_explore.json").read_bytes()

    output = study("-p", f"clip={clip}")
    own = report / "private" / "own"
    assert f"for you alone: {own}" in output
    assert {"beats.csv", "record.json", "notebook.ipynb"} <= {path.name for path in own.iterdir()}
    assert SECRET in (own / "notebook.ipynb").read_text()
    assert git(home, "status", "--porcelain", "--untracked-files=all") == ""
    looked_at = [home / name for name in git(home, "ls-files", "--cached", "--others", "--exclude-standard").split()]
    assert [path for path in looked_at if SECRET.encode() in path.read_bytes() or SECRET in str(path)] == []

    assert (home / "runs/notebooks/smoke/01_explore.json").read_bytes() == stamp
    assert "01_explore: up to date" in study() and "01_explore: up to date" in study("-p", f"clip={clip}")
    clip.write_bytes(clip.read_bytes() + b"\0")
    request, _ = make_request("smoke", (), ["01"], [f"clip={clip}"])
    assert not request.is_current(request.notebooks[0])
    assert (report / "private/own/record.json").is_file() and (report / "record.json").is_file()


def test_of_a_real_dataset_no_video_is_named_where_git_looks(home, phantom):
    study("--data", f"echonet_dynamic={phantom / 'EchoNet-Dynamic'}")
    report = home / "reports/smoke/01_explore"
    assert {path.name for path in (report / "private").iterdir()} >= {"beats.csv", "area.png", "extremes.png"}
    names = [path.stem for path in (phantom / "EchoNet-Dynamic" / "Videos").iterdir()]
    looked_at = [home / name for name in git(home, "ls-files", "--others", "--exclude-standard").split()]
    assert report / "record.json" in looked_at
    texts = {path: path.read_text(errors="replace") for path in looked_at}
    assert [path for path, text in texts.items() if any(name in text for name in names)] == []
    assert json.loads(texts[report / "record.json"])["numbers"] == {}
    assert {path.name for path in looked_at if path.is_relative_to(report)} == {"record.json"}


def test_publishing_leaves_ones_own_report_alone_and_takes_nothing_from_it(home, clip, monkeypatch):
    own = home / "reports/smoke/01_explore/private/own/record.json"
    own.parent.mkdir(parents=True)
    own.write_text(SECRET)
    stage(monkeypatch, {})
    study()
    published = {path.name for path in (home / "reports/smoke/01_explore").iterdir() if path.is_file()}
    assert published == {"record.json", "notebook.ipynb", "notebook.html"} and own.read_text() == SECRET
    assert SECRET not in (home / "reports/smoke/README.md").read_text()


def stage(monkeypatch, record: dict) -> None:
    """An execution that stages nothing but a record."""

    def execute(notebook: Notebook, parameters, stem: Path, **rest) -> Path:
        staged = stem.with_name(stem.name + ".report-1")
        staged.mkdir(parents=True)
        (staged / "record.json").write_text(json.dumps({"notebook": notebook.name, **record}))
        shutil.copyfile(notebook.path, stem.with_name(stem.name + ".ipynb"))
        return staged

    monkeypatch.setattr("echolib.runner.run.execute", execute)
    monkeypatch.setattr("echolib.runner.publish._render", lambda path: "")


@pytest.mark.parametrize(
    "record",
    [{"private": True}, {"parameters": {"profile": "demo"}}, {"parameters": {"video": "0X1A"}}, {"notebook": "02_x"}],
    ids=["private", "profile", "video", "notebook"],
)
def test_what_was_not_made_as_asked_is_not_published(home, monkeypatch, record):
    stage(monkeypatch, record)
    result = CliRunner().invoke(cli.app, ["study", "--profile", "smoke", "--only", "01"])
    (name,) = record.keys() - {"parameters"} or record["parameters"].keys()
    assert result.exit_code == 1 and f"01_explore: asked for {name} = " in result.stderr
    assert "is not published" in result.stderr
    assert not (home / "reports/smoke/01_explore").exists()
    assert not (home / "runs/notebooks/smoke/01_explore.json").exists()


def request_for(*parameters: str, data: tuple[str, ...] = ()) -> Request:
    return make_request("smoke", data, ["01"], parameters)[0]


def test_which_requests_are_private(home, phantom, monkeypatch, tmp_path):
    (tmp_path / "clip.avi").write_text("")
    monkeypatch.chdir(tmp_path)
    real = (f"echonet_dynamic={phantom / 'EchoNet-Dynamic'}",)
    public, chosen, of_real, own, hidden = (
        request_for(),
        request_for("video=0X1A"),
        request_for(data=real),
        request_for("clip=clip.avi"),
        request_for("video=0X1A", data=real),
    )
    (notebook,) = public.notebooks
    assert [request.is_private(notebook) for request in (public, chosen, of_real)] == [False] * 3
    assert own.is_private(notebook) and hidden.is_private(notebook)
    assert own.parameters(notebook)["clip"] == str(tmp_path / "clip.avi")  # notebooks run in another folder
    assert public.inputs(notebook) != chosen.inputs(notebook)
