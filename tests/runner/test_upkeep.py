"""Finished experiments listed, deleted only when asked, and taken over, from the command line."""

import pytest
from typer.testing import CliRunner

from echolib import cli
from echolib.engine.adoption import Adoption
from echolib.runner import upkeep
from tests.studies import smoke_experiments


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A home with one finished and one unfinished experiment that nothing asks for."""
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    monkeypatch.setattr(upkeep, "_of_profile", lambda profile, data: [])
    for name in ("old-0123456789abcdef", "half-0123456789abcdef"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "experiment.json").write_text("{}")
    (tmp_path / "runs" / "old-0123456789abcdef" / "metrics.json").write_text("{}")
    return tmp_path / "runs"


def echolib(*arguments: str, answer: str = ""):
    return CliRunner().invoke(cli.app, list(arguments), input=answer)


def test_runs_are_listed(stored):
    result = echolib("runs")
    assert result.exit_code == 0 and len(list(stored.iterdir())) == 2
    half, old, total = result.output.splitlines()
    assert half.startswith("half-") and half.endswith("not asked for, unfinished")
    assert old.startswith("old-") and old.endswith("not asked for")
    assert "2 experiments that nothing asks for" in total


@pytest.mark.parametrize(("answer", "left"), [("n\n", 2), ("y\n", 0)])
def test_pruning_asks_first(stored, answer, left):
    result = echolib("runs", "--prune", answer=answer)
    assert "Delete 2 experiments" in result.output and len(list(stored.iterdir())) == left
    assert ("Deleted 2 experiments." in result.output) == (left == 0)


def test_pruning_without_asking(stored):
    assert echolib("runs", "--prune", "--yes").exit_code == 0 and not list(stored.iterdir())


def test_adoption_says_what_became_of_each(tmp_path, monkeypatch, phantom):
    first, second, *_ = smoke_experiments(phantom)
    outcomes = [Adoption(first, source="first-0123"), Adoption(second, reason="its probe is not reproduced")]
    monkeypatch.setattr(upkeep, "adopt", lambda experiments, context: iter(outcomes))
    monkeypatch.setattr(upkeep, "_wanted", lambda request: [first, second])
    monkeypatch.setattr("echolib.runner.request.find_notebooks", lambda folder, only: [])
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    result = echolib("adopt", "--profile", "smoke")
    assert result.output.splitlines() == [
        f"{first.name}: adopted from first-0123",
        f"{second.name}: not adopted: its probe is not reproduced",
        "1 adopted, 1 not",
    ]
