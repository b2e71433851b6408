"""Predictions on the phantom that are published: of which experiments, and that a table follows from them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from echolib.errors import UserError
from echolib.papers.ef_scores import scores_table
from echolib.report.tables import save_table
from echolib.runner.predictions import as_published, publish_predictions, recomputed_mae, simulated
from echolib.runner.stamp import changed_files, file_hash, write_stamp

VIDEOS = 40


@pytest.fixture
def home(tmp_path, rng):
    """Two methods with two seeds each: their experiments, and the report of a notebook with a table of them."""
    label, methods = rng.uniform(20, 70, VIDEOS), {}
    for method in ("R3D", "MC3"):
        methods[method] = np.stack([label + rng.normal(0, 5, VIDEOS) for _ in range(2)])
        for seed, prediction in enumerate(methods[method]):
            folder = tmp_path / "runs" / f"{method.lower()}-seed{seed}-k"
            folder.mkdir(parents=True)
            names = [f"0X{number:04X}" for number in range(VIDEOS)]
            frame = {"name": names, "label": label, "fps": 50.0, "frames": 70, "prediction": prediction}
            pd.DataFrame(frame).to_csv(folder / "predictions.csv", index=False)
    names = [f"{method}-seed{seed}" for method in ("r3d", "mc3") for seed in range(2)]
    write_record(tmp_path / "reports/demo/22_x", names, {"scores": {"R3D": names[:2], "MC3": names[2:]}})
    save_table(scores_table(label, methods, resamples=20), tmp_path / "reports/demo/22_x", "scores")
    return tmp_path


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def write_record(report: Path, names, rows=None, **facts) -> None:
    report.mkdir(parents=True, exist_ok=True)
    experiments = {name: {"folder": f"{name}-k", "simulated": True, **facts} for name in names}
    (report / "record.json").write_text(json.dumps({"experiments": experiments, "rows": rows or {}}))


def published(home: Path) -> set[str]:
    return {path.stem for path in (home / "reports/demo/predictions").glob("*.csv")}


def test_a_table_of_errors_follows_from_the_published_files_alone(home):
    publish_predictions(home / "reports/demo/22_x", home / "runs")
    (home / "runs").rename(home / "gone")
    recomputed = recomputed_mae(home / "reports/demo", "22_x", "scores")
    table = pd.read_csv(home / "reports/demo/22_x/scores.csv").set_index("method")["mae"]
    np.testing.assert_allclose(recomputed[table.index], table, atol=0.005 + 0.001)  # two decimals of three


def test_what_cannot_be_recomputed_is_named(home):
    with pytest.raises(UserError, match=r"r3d-seed0\.csv: this experiment was not on the phantom alone"):
        recomputed_mae(home / "reports/demo", "22_x", "scores")
    with pytest.raises(UserError, match="names no experiments of table9: it names scores"):
        recomputed_mae(home / "reports/demo", "22_x", "table9")


@pytest.mark.parametrize("facts", [{"simulated": False}, {"simulated": None}, {"simulated": "yes"}])
def test_of_real_data_nothing_is_published(home, facts):
    report = home / "reports/demo/22_x"
    write_record(report, ["r3d-seed0"], **facts)
    assert publish_predictions(report, home / "runs") == {} and published(home) == set()
    (report / "record.json").write_text(json.dumps({"experiments": {"r3d-seed0": {"folder": "r3d-seed0-k"}}}))
    assert simulated(report) == {}


def test_real_data_take_the_place_of_the_phantom_and_its_predictions_go(home):
    report = home / "reports/demo/22_x"
    publish_predictions(report, home / "runs")
    assert len(published(home)) == 4
    write_record(report, ["r3d-seed0", "mc3-seed0"], simulated=False)
    publish_predictions(report, home / "runs")
    assert published(home) == set()


def test_a_shared_experiment_is_published_once_while_any_notebook_shows_it(home):
    first, second = home / "reports/demo/22_x", home / "reports/demo/30_y"
    write_record(second, ["r3d-seed0"])
    stamp = home / "30_y.json"
    write_stamp(stamp, {}, publish_predictions(second, home / "runs"))
    publish_predictions(first, home / "runs")
    assert published(home) == {"r3d-seed0", "r3d-seed1", "mc3-seed0", "mc3-seed1"}
    (first / "record.json").write_text("{}")
    publish_predictions(first, home / "runs")
    assert published(home) == {"r3d-seed0"} and changed_files(stamp, second) == []


def test_the_order_of_notebooks_leaves_no_trace(home):
    first, second = home / "reports/demo/22_x", home / "reports/demo/30_y"
    write_record(second, ["r3d-seed0"])

    def after(*reports):
        for report in reports:
            publish_predictions(report, home / "runs")
        return {path.name: path.read_bytes() for path in (home / "reports/demo/predictions").iterdir()}

    assert after(first, second) == after(second, first) == after(second)


def test_a_stamp_knows_the_predictions_of_its_report(home):
    report, stamp = home / "reports/demo/22_x", home / "22_x.json"
    made = publish_predictions(report, home / "runs")
    path = home / "reports/demo/predictions/r3d-seed0.csv"
    assert made["../predictions/r3d-seed0.csv"] == file_hash(path) and len(made) == 4
    write_stamp(stamp, {}, made)
    assert changed_files(stamp, report) == []
    path.write_text(path.read_text() + "\n")
    assert changed_files(stamp, report) == ["../predictions/r3d-seed0.csv"]


def test_what_a_killed_study_left_half_written_goes(home):
    folder = home / "reports/demo/predictions"
    folder.mkdir()
    (folder / ".r3d-seed0.csv.x.partial").write_text("half")
    publish_predictions(home / "reports/demo/22_x", home / "runs")
    assert not list(folder.glob(".*"))


def test_the_text_is_rounded_and_lacks_what_no_table_needs():
    masks = pd.DataFrame(
        {
            "person": ["p1", "p1"], "split": "test", "phase": ["ED", "ES"], "frame": [1, 9], "label": [55.12345] * 2,
            "name": ["p1_ED", "p1_ES"], "row_mm": np.nan, "lv_true_px": [10, 12], "lv_dice": [0.98765, -0.00001],
        }
    )  # fmt: skip
    assert as_published(masks) == (
        "phase,label,name,lv_true_px,lv_dice\nED,55.123,p1_ED,10,0.988\nES,55.123,p1_ES,12,0.000\n"
    )
    other = as_published(masks.assign(person="anyone"))
    assert other is not None and other.startswith("person,")
    assert as_published(masks[:0]) is None
    assert as_published(pd.DataFrame({"name": ["a"], "f0": [0.1], "f1": [0.2]})) is None
