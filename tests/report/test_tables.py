"""Tables: the same formatted numbers in three formats, and ours beside published ones."""

import csv

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.metrics import ef_scores
from echolib.report import beside_published, save_table
from echolib.report.published import is_papers_data


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "method": ["a_b & 5%", "c|d"],
            "mae": [4.0912, 3.9],
            "mae_low": [3.9512, np.nan],
            "mae_high": [4.2349, np.nan],
            "r2": [0.81234, np.nan],
            "difference": [0.126, -0.001],
            "n": [1277, 12],
            "pretrained": [True, False],
        }
    )


def read(folder, name):
    return {kind: (folder / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("csv", "md", "tex")}


def test_three_formats_hold_the_same_numbers(tmp_path, frame):
    assert save_table(frame, tmp_path, "errors", "Errors of 50 %", label="phantom") == tmp_path / "errors.md"
    files = read(tmp_path, "errors")
    rows = list(csv.reader(files["csv"].splitlines()))
    assert rows[0] == [*frame.columns, "data"]
    assert rows[1] == ["a_b & 5%", "4.09", "3.95", "4.23", "0.812", "+0.13", "1277", "yes", "phantom"]
    assert rows[2] == ["c|d", "3.90", "", "", "", "0.00", "12", "no", "phantom"]
    assert files["md"].splitlines() == [
        "Errors of 50 %",
        "",
        "| method | MAE (EF points) | R² | difference | n | pretrained | data |",
        "|---|---:|---:|---:|---:|---|---|",
        "| a_b & 5% | 4.09 [3.95, 4.23] | 0.812 | +0.13 | 1277 | yes | phantom |",
        "| c\\|d | 3.90 | – | 0.00 | 12 | no | phantom |",
    ]
    assert r"\caption{Errors of 50 \%}" in files["tex"] and r"\label{tab:errors}" in files["tex"]
    assert r"a\_b \& 5\% & 4.09 [3.95, 4.23] & 0.812 & +0.13 & 1277 & yes & phantom \\" in files["tex"]
    assert r"c|d & 3.90 & -- & 0.00 & 12 & no & phantom \\" in files["tex"]
    assert files["tex"].count("{tabular}") == 2 and r"\begin{tabular}{lrrrrll}" in files["tex"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["errors.csv", "errors.md", "errors.tex"]


def test_same_table_same_bytes(tmp_path, frame):
    save_table(frame, tmp_path, "one")
    before = read(tmp_path, "one")
    save_table(frame.copy(), tmp_path, "one")
    assert read(tmp_path, "one") == before


def test_special_characters_survive_latex(tmp_path):
    save_table(pd.DataFrame({"x": [r"\ ~ ^ # $ {}"], "change_difference": [-1.25]}), tmp_path, "t")
    tex = (tmp_path / "t.tex").read_text()
    line = r"\textbackslash{} \textasciitilde{} \textasciicircum{} \# \$ \{\} & $-$1.25 \\"
    assert line in tex


def test_index_and_decimals(tmp_path):
    scores = ef_scores(np.array([30.0, 45.0, 60.0, 62.0]), np.array([35.0, 47.0, 61.0, 60.0]), resamples=20)
    save_table(scores, tmp_path, "scores", decimals={"mae": 1}, headings={"group": "class"})
    files = read(tmp_path, "scores")
    assert files["csv"].splitlines()[0].startswith("group,n,mae,mae_low,mae_high,gm")
    assert files["csv"].splitlines()[1].startswith("all,4,2.5,")
    assert files["md"].splitlines()[0].startswith("| class | n | MAE (EF points) |")
    save_table(pd.DataFrame({"x": [1.0]}), tmp_path, "plain", decimals=0)
    assert (tmp_path / "plain.csv").read_text() == "x\n1\n"
    with pytest.raises(ValueError, match="twice"):
        save_table(pd.DataFrame([[1, 2]], columns=["x", "x"]), tmp_path, "bad")


def test_several_column_levels_become_one(tmp_path):
    frame = pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_product([["mae"], ["mean", "sd"]]))
    save_table(frame, tmp_path, "t")
    assert (tmp_path / "t.csv").read_text() == "mae_mean,mae_sd\n1.00,2.00\n"


@pytest.fixture
def ours():
    return pd.DataFrame(
        {"method": ["r3d", "new"], "mae": [4.5, 4.0], "mae_low": [4.3, 3.8], "mae_high": [4.7, 4.2], "r2": [0.7, 0.8]}
    )


@pytest.fixture
def published():
    return pd.DataFrame({"method": ["mc3", "r3d"], "mae": [4.34, 4.16], "r2": [0.778, 0.794]})


def test_ours_beside_published_wide(ours, published):
    table = beside_published(ours, published, "method", ["mae", "r2"], data="EchoNet-Dynamic", seeds=3)
    assert table.columns.tolist() == [
        "method", "mae", "mae_low", "mae_high", "mae_published", "mae_difference",
        "r2", "r2_published", "r2_difference", "seeds", "data",
    ]  # fmt: skip
    table = table.set_index("method")
    assert table.index.tolist() == ["mc3", "r3d", "new"]
    assert table["data"].tolist() == ["not measured", "EchoNet-Dynamic", "EchoNet-Dynamic"]
    assert table.loc["r3d", "mae_difference"] == pytest.approx(0.34)
    assert table.loc["r3d", "r2_difference"] == pytest.approx(-0.094)
    assert table.loc["r3d", "seeds"] == 3 and pd.isna(table.loc["mc3", "seeds"])
    assert np.isnan(table.loc["new", "mae_published"]) and np.isnan(table.loc["mc3", "mae"])


@pytest.mark.parametrize("label", ["phantom", "phantom and CAMUS", "CAMUS and phantom"])
def test_no_difference_between_the_phantom_and_patients(ours, published, label):
    table = beside_published(ours, published, "method", ["mae", "r2"], data=label)
    assert table.columns.tolist() == [
        "method", "mae", "mae_low", "mae_high", "mae_published", "r2", "r2_published", "seeds", "data",
    ]  # fmt: skip
    assert table.set_index("method").loc["r3d", "mae_published"] == 4.16
    long = beside_published(ours, published, "method", "mae", data=label, layout="long")
    assert "difference" not in long and "published" in long


def test_of_mixed_rows_those_on_the_papers_data_have_a_difference(ours, published):
    ours = pd.concat([ours, ours[:1].assign(method="mc3")]).assign(data=["CAMUS", "CAMUS", "phantom"])
    table = beside_published(ours, published, "method", "mae", data="phantom and CAMUS").set_index("method")
    assert table.loc["r3d", "mae_difference"] == pytest.approx(0.34)
    assert np.isnan(table.loc["mc3", "mae_difference"]) and table.loc["mc3", "mae"] == 4.5


def test_the_label_of_the_phantom_is_what_a_difference_is_refused_for(tmp_path):
    folders = DataFolders({"camus": tmp_path}, tmp_path / "phantom")
    assert not is_papers_data(folders.label("echonet_dynamic"))
    assert is_papers_data(folders.label("camus"))


def test_published_beside_ours_in_our_order(ours, published):
    table = beside_published(ours, published, "method", "mae", data="phantom", order="ours").set_index("method")
    assert table.index.tolist() == ["r3d", "new", "mc3"]
    published_first = beside_published(ours, published, "method", "mae", data="phantom").set_index("method")
    pd.testing.assert_frame_equal(table, published_first.loc[table.index])


def test_ours_beside_published_long(tmp_path, ours, published):
    ours = ours.assign(data=["CAMUS", None], seeds=[1, 2])
    published = published[["method", "mae"]]
    table = beside_published(ours, published, ["method"], ["mae", "r2"], data="phantom", layout="long")
    assert table["method"].tolist() == ["mc3", "mc3", "r3d", "r3d", "new", "new"]
    assert table["metric"].tolist() == ["mae", "r2"] * 3
    assert table["data"].tolist() == ["not measured"] * 2 + ["CAMUS"] * 2 + ["phantom"] * 2
    assert table["seeds"].tolist()[2:] == [1, 1, 2, 2]
    assert table["published"].isna().tolist() == [False, True, False, True, True, True]
    save_table(table, tmp_path, "long")
    lines = (tmp_path / "long.md").read_text().splitlines()
    assert lines[4] == "| r3d | MAE (EF points) | 4.50 [4.30, 4.70] | 4.16 | +0.34 | 1 | CAMUS |"
    assert lines[5] == "| r3d | R² | 0.700 | – | – | 1 | CAMUS |"


def test_several_keys(ours, published):
    ours, published = (frame.assign(fraction=0.5) for frame in (ours, published))
    table = beside_published(ours, published, ["method", "fraction"], "mae", data="phantom")
    assert table.columns[:2].tolist() == ["method", "fraction"] and len(table) == 3


def test_faults_are_named(ours, published):
    with pytest.raises(ValueError, match="published has no column network"):
        beside_published(ours.assign(network="x"), published, "network", "mae", data="phantom")
    with pytest.raises(ValueError, match="ours has no column rmse"):
        beside_published(ours, published, "method", "rmse", data="phantom")
    with pytest.raises(ValueError, match=r"ours has several rows.*r3d"):
        beside_published(pd.concat([ours, ours[:1]]), published, "method", "mae", data="phantom")
