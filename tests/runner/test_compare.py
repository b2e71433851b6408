"""Two folders of reports compared: what counts as moved beyond its interval, and how the command ends."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from echolib import cli
from echolib.errors import UserError
from echolib.runner.cells import compare_tables, key_columns
from echolib.runner.compare import compare_reports, lines

SCORES = """method,mae,mae_low,mae_high,mae_published,seeds,ms,data
MC3,5.00,4.00,6.00,4.34,3,7.1,phantom
R3D,4.00,3.50,4.50,4.16,3,8.2,phantom
"""
CLAIMS = """claim,condition,difference,difference_low,difference_high,seeds,verdict,data
A below B,all,-0.50,-0.90,-0.10,3,supported,phantom
A below B,HFrEF,-0.20,-0.90,0.50,3,open,phantom
"""
RECORD = {"parameters": {"profile": "demo"}, "fingerprints": {"echonet_dynamic": "phantom-1"}, "seeds": [0, 1, 2]}


@pytest.fixture
def reports(tmp_path):
    """Two equal reports of one profile, of two notebooks each."""
    for side in ("a", "b"):
        for notebook in ("22_x", "30_y"):
            folder = tmp_path / side / notebook
            folder.mkdir(parents=True)
            (folder / "scores.csv").write_text(SCORES)
            (folder / "claims.csv").write_text(CLAIMS)
            (folder / "record.json").write_text(json.dumps(RECORD | {"notebook": notebook, "commit": side}))
    return tmp_path / "a", tmp_path / "b"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def echolib(*words):
    return CliRunner().invoke(cli.app, ["compare", *map(str, words)])


def table(text: str) -> pd.DataFrame:
    return pd.DataFrame(
        [line.split(",") for line in text.split("\n")[1:] if line], columns=text.split("\n")[0].split(",")
    )


def moved(first: str, second: str) -> list[tuple]:
    cells = compare_tables("n", "t", table(first), table(second)).moved
    return [(*cell.row.values(), cell.column, cell.kind) for cell in cells]


@pytest.mark.parametrize(
    ("value", "kind"),
    [("5.01", "within"), ("6.00", "within"), ("4.00", "within"), ("6.01", "beyond"), ("3.99", "beyond")],
)
def test_beyond_is_more_than_half_the_interval(value, kind):
    other = SCORES.replace("MC3,5.00", f"MC3,{value}")
    assert moved(SCORES, other) == [("MC3", "mae", kind)]
    assert moved(other, SCORES) == [("MC3", "mae", kind)]  # whichever side comes first


def test_the_wider_of_both_intervals_counts():
    narrow = SCORES.replace("MC3,5.00,4.00,6.00", "MC3,5.90,5.85,5.95")
    assert moved(SCORES, narrow) == moved(narrow, SCORES) == [("MC3", "mae", "within")]
    far = SCORES.replace("MC3,5.00,4.00,6.00", "MC3,6.10,6.05,6.15")
    assert moved(SCORES, far) == moved(far, SCORES) == [("MC3", "mae", "beyond")]


def test_an_interval_that_moved_alone_is_a_move_within():
    assert moved(SCORES, SCORES.replace("3.50,4.50", "3.40,4.50")) == [("R3D", "mae", "within")]


def test_numbers_without_an_interval_have_a_relative_change():
    (cell,) = compare_tables("n", "t", table(SCORES), table(SCORES.replace("4.34,3", "4.34,4"))).moved
    assert (cell.column, cell.kind, cell.change) == ("seeds", "moved", 1) and cell.relative == pytest.approx(1 / 3)


@pytest.mark.parametrize("column", ["ms", "seconds", "ms_low", "ms_sd", "peak_memory_mib"])
def test_timings_are_not_compared(column):
    first = SCORES.replace(",ms,", f",{column},")
    assert moved(first, first.replace("7.1", "70.1")) == []
    assert moved(SCORES.replace(",ms,", ",ed_ms,"), SCORES.replace(",ms,", ",ed_ms,").replace("7.1", "70.1")) == [
        ("MC3", "ed_ms", "moved")  # an error in time is no timing
    ]


def test_rows_are_matched_by_what_they_are_called_never_by_number():
    head, first, second = SCORES.splitlines()
    assert moved(SCORES, "\n".join([head, second, first])) == []
    difference = compare_tables("n", "t", table(SCORES), table(SCORES.replace("R3D", "TCA")))
    assert (difference.only_first, difference.only_second) == (["row R3D"], ["row TCA"])
    assert difference.equal == 4 and not difference.moved


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (SCORES, ["method"]),
        (CLAIMS, ["claim", "condition"]),
        ("strength,mae,mae_low,mae_high,data\n0.0,5,4,6,phantom\n0.5,5,4,6,phantom", ["data", "strength"]),
        (
            "method,noise,mae,mae_low,mae_high\nM0,0.0,5,4,6\nM0,0.1,6,5,7\nM1,0.0,5,4,6\nM1,0.1,6,5,7",
            ["method", "noise"],
        ),
        ("method,learnt,verdict,mae\nM0,yes,open,1\nM1,no,supported,2", ["method"]),
        ("mae,mae_low,mae_high\n5,4,6", []),
    ],
)
def test_what_a_row_is_called(text, keys):
    assert key_columns(table(text), table(text)) == keys


def test_rows_that_cannot_be_told_apart_are_not_compared():
    twice = table("method,mae,mae_low,mae_high\nM0,5,4,6\nM0,6,5,7")
    assert "cannot be told apart" in compare_tables("n", "t", twice, twice).fault


def test_a_difference_to_a_published_number_is_not_said_twice():
    first = SCORES.replace("seeds,", "mae_difference,").replace(",3,", ",0.66,")
    second = first.replace("MC3,5.00", "MC3,5.10").replace("0.66", "0.76", 1)
    assert moved(first, second) == [("MC3", "mae", "within")]


def test_equal_reports_are_clean(reports):
    result = echolib(*reports)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("32 cells compared: 32 equal, 0 moved") and len(result.output.splitlines()) == 1


def test_verdicts_come_first_and_one_that_turned_round_is_no_success(reports):
    first, second = reports
    change(second / "22_x/scores.csv", "MC3,5.00", "MC3,5.40")
    change(second / "30_y/claims.csv", "open", "equivalent")
    result = echolib(first, second)
    assert result.exit_code == 0, result.output
    summary, verdict, within = result.output.splitlines()
    assert "1 moved within and 0 beyond" in summary and "1 verdicts changed, 0 of them" in summary
    assert verdict == "verdict 30_y/claims: A below B, HFrEF: verdict: open -> equivalent"
    assert within == "within  22_x/scores: MC3: mae: 5.00 -> 5.40 (+0.4, half its interval 1)"
    change(second / "30_y/claims.csv", "supported", "opposite")
    for sides in ((first, second), (second, first)):
        result = echolib(*sides)
        assert result.exit_code == 1 and "1 of them between supported and opposite" in result.output
        assert result.output.splitlines()[1].startswith("verdict 30_y/claims: A below B, all")


def test_beyond_its_interval_is_no_success(reports, tmp_path):
    first, second = reports
    change(second / "22_x/scores.csv", "MC3,5.00", "MC3,6.40")
    change(second / "30_y/scores.csv", "R3D,4.00", "R3D,9.00")
    result = echolib(first, second, "--json", tmp_path / "moved.json")
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.output.splitlines()[1:]] == ["beyond", "beyond"]
    assert "R3D" in result.output.splitlines()[1]  # the worst first
    content = json.loads((tmp_path / "moved.json").read_text())
    assert content["clean"] is False and content["summary"]["beyond"] == 2
    assert content["moved"][1] == {
        "notebook": "22_x", "table": "scores", "row": {"method": "MC3"}, "column": "mae", "first": "5.00",
        "second": "6.40", "kind": "beyond", "change": pytest.approx(1.4), "relative": pytest.approx(0.28),
        "half_width": 1.0, "turned": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    [{"seeds": [0]}, {"fingerprints": {"echonet_dynamic": "phantom-2"}}, {"parameters": {"profile": "smoke"}}],
    ids=lambda condition: next(iter(condition)),
)
def test_under_other_conditions_nothing_is_beyond(reports, condition):
    first, second = reports
    for notebook in ("22_x", "30_y"):
        change(second / notebook / "scores.csv", "MC3,5.00", "MC3,6.40")
    (second / "30_y/record.json").write_text(json.dumps(RECORD | condition | {"notebook": "30_y"}))
    comparison = compare_reports(first, second)
    assert [(cell.notebook, cell.kind) for cell in comparison.moved] == [("22_x", "beyond"), ("30_y", "moved")]
    assert next(lines(comparison)).startswith(f"other conditions: 30_y: {next(iter(condition))} ")
    assert comparison.of_like().counts()["compared"] == 16


def test_what_gathers_other_notebooks_is_unlike_where_one_of_them_is(reports, monkeypatch):
    first, second = reports
    monkeypatch.setattr("echolib.runner.compare.reads_records", lambda notebook: notebook == "30_y")
    assert compare_reports(first, second).unlike == {}
    (second / "22_x/record.json").write_text(json.dumps(RECORD | {"seeds": [0], "notebook": "22_x"}))
    assert set(compare_reports(first, second).unlike) == {"22_x", "30_y"}


def test_what_one_side_alone_has_is_named(reports):
    first, second = reports
    (second / "22_x/new.csv").write_text("method,mae\nM0,1\n")
    shutil.rmtree(first / "30_y")
    change(second / "22_x/scores.csv", "R3D", "TCA")
    change(second / "22_x/claims.csv", "condition", "group")
    assert sorted(compare_reports(first, second).only) == sorted(
        [
            f"only in {second}: 30_y",
            f"only in {second}: 22_x/new",
            f"only in {first}: 22_x/scores: row R3D",
            f"only in {second}: 22_x/scores: row TCA",
            "not compared: 22_x/claims: its rows cannot be told apart by what they are called",
        ]
    )


def test_one_notebook_is_compared_by_its_own_folder(reports):
    first, second = reports
    shutil.copytree(second / "22_x", second / "copy of 22")
    assert compare_reports(first / "22_x", second / "copy of 22").counts()["compared"] == 16


def test_bad_input_ends_with_status_2(reports, tmp_path):
    first, second = reports
    for words, text in (
        ((first, tmp_path / "nowhere"), "nowhere holds no report"),
        ((first / "22_x", second / "30_y"), "no notebook in common"),
    ):
        result = echolib(*words)
        assert result.exit_code == 2 and text in result.stderr
    (second / "22_x/scores.csv").write_bytes(b"\xff\xfe,\n1,2,3\n")
    result = echolib(first, second)
    assert result.exit_code == 2 and "22_x/scores.csv is damaged" in " ".join(result.stderr.split())
    (second / "22_x/record.json").write_text("{")
    with pytest.raises(UserError, match=r"22_x/record\.json is damaged"):
        compare_reports(first, second)
