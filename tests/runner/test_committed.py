"""What the study says at its end: how the reports differ from those committed, and why not where they cannot be
compared."""

import json
import subprocess

import pytest

from echolib.runner import committed
from echolib.runner.committed import lines_since_commit

RECORD = {"parameters": {"profile": "demo"}, "fingerprints": {"camus": "a"}, "seeds": [0]}


@pytest.fixture
def home(tmp_path):
    """A repository with one committed report."""
    report = tmp_path / "reports" / "demo" / "22_x"
    report.mkdir(parents=True)
    rows = [f"M{number},5.00,4.00,6.00" for number in range(9)]
    (report / "scores.csv").write_text("\n".join(["method,mae,mae_low,mae_high", *rows, ""]))
    (report / "record.json").write_text(json.dumps(RECORD))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "reports")
    git(tmp_path, "commit", "--quiet", "--message", "reports")
    return tmp_path


def git(home, *words):
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    subprocess.run(["git", "-C", home, *identity, *words], check=True, capture_output=True)


def said(home, profile="demo"):
    return list(lines_since_commit(home, profile))


def test_nothing_moved(home):
    heading, summary = said(home)
    assert heading == "against the committed reports:" and summary.startswith("  9 cells compared: 9 equal")


def test_the_worst_cells_are_named_and_the_rest_counted(home):
    scores = home / "reports/demo/22_x/scores.csv"
    scores.write_text(scores.read_text().replace(",5.00", ",6.50").replace("M4,6.50", "M4,9.50"))
    lines = said(home)
    assert "0 equal, 0 moved within and 9 beyond" in lines[1] and "M4: mae: 5.00 -> 9.50" in lines[2]
    assert len(lines) == 8 and lines[-1].strip() == "... and 4 more"
    git(home, "commit", "--quiet", "--all", "--message", "moved")
    assert "9 equal" in said(home)[1]


def test_other_data_are_not_compared_and_said(home):
    (home / "reports/demo/22_x/record.json").write_text(json.dumps(RECORD | {"fingerprints": {"camus": "b"}}))
    assert said(home) == [
        "against the committed reports:",
        "  not compared, since they are of other conditions: 22_x (fingerprints camus 'a' and 'b')",
    ]


def test_without_git_commit_or_reports_one_line_says_so(home, tmp_path_factory, monkeypatch):
    (line,) = said(home, "full")
    assert line == "not compared with committed reports: the last commit holds no reports/full, or this is no clone"
    assert len(said(tmp_path_factory.mktemp("elsewhere"))) == 1

    def missing(*words, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(committed.subprocess, "run", missing)
    assert said(home) == ["not compared with committed reports: there is no git here"]


def test_a_damaged_report_does_not_fail_the_study(home):
    (home / "reports/demo/22_x/record.json").write_text("{")
    (line,) = said(home)
    assert line.startswith("not compared with committed reports: ") and "is damaged" in line
