"""Tables of multi-task learning from made predictions: every number checked by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.papers.exhibits import Setup
from echolib.papers.multitask import tables
from echolib.papers.multitask.claims import CLAIMS, CLAIMS_IN_PARTS
from echolib.papers.multitask.experiments import DESIGNS, ROWS, Row
from echolib.papers.multitask.scores import dice_and_floor, keypoint_error_and_floor, with_both_single
from echolib.papers.profiles import PROFILES

SETUP = Setup(  # CAMUS given, the others simulated
    PROFILES["smoke"].model_copy(update={"resamples": 50}), DataFolders({"camus": Path("camus")}, Path("phantom"))
)
PARTIAL, MASKS, POINTS = (Row("partial", task) for task in (None, "segmentation", "keypoints"))


def masks(shift=0.0, order=None):
    rows = [
        (dataset, f"{dataset}{k}", f"p{k // 2}", structure, base + shift, 0.5 + 0.1 * k)
        for dataset, structures in (("camus", ("lv", "atrium")), ("echonet_dynamic", ("lv",)))
        for structure in structures
        for k, base in enumerate((0.8, 0.9, 0.7, 0.8))
    ]
    table = pd.DataFrame(rows, columns=["dataset", "name", "person", "structure", "dice", "dice_mean_mask"])
    return table if order is None else table.iloc[::-1].reset_index(drop=True)


def points(error, order=None):
    rows = []
    for k in range(4):
        for point, x in (("a", 10.0 + k), ("b", 20.0)):
            rows.append(("echonet_lvh", f"n{k}", f"p{k}", point, x, 5.0, error, 3 * error, 2 * error))
    rows.append(("echonet_lvh", "n0", "p0", "c", np.nan, np.nan, np.nan, np.nan, np.nan))  # not labelled
    columns = ["dataset", "name", "person", "point", "x", "y", "error_input_px", "error_native_px", "error_mm"]
    table = pd.DataFrame(rows, columns=columns)
    return table if order is None else table.iloc[::-1].reset_index(drop=True)


def measures(error_cm):
    true = {"IVS": 1.0, "LVID": 5.0, "LVPW": 0.9}
    rows = [
        (f"n{k}_{phase}", f"p{k}", phase, measure, value, value + error_cm * (measure == "LVPW"))
        for k in range(3)
        for phase in ("ED", "ES")
        for measure, value in true.items()
    ]
    return pd.DataFrame(rows, columns=["name", "person", "phase", "measure", "label_cm", "predicted_cm"])


def ef(error):
    table = pd.DataFrame({"patient": ["p0", "p1", "p2"], "label": [50.0, 60.0, 40.0]})
    for prefix, plus in (("masks_", 4.0), ("", 4.0 + error)):
        for plane in ("single_plane_4ch", "biplane"):
            table[prefix + plane] = table["label"] + plus
    table.loc[2, "biplane"] = np.nan  # unreadable
    return table


def made(shift=0.0, error=1.0, order=None):
    predictions = points(error, order)
    of_name = {"masks": masks(shift, order), "predictions": predictions, "measures": measures(0.1), "ef": ef(error)}
    return SimpleNamespace(predictions=predictions, table=of_name.__getitem__, folder=object())


@pytest.fixture
def results():
    """The joint model is better by 0.05 in Dice and by 1 px in keypoints; its second seed in another order."""
    joint = [made(0.05, 1.0), made(0.05, 1.0, order=-1)]
    single = [made(0.0, 2.0), made(0.0, 2.0)]
    return {row: (joint if row.single_task is None else single) for row in ROWS}


def make(exhibit, results):
    """An exhibit from the results of its own rows."""
    return exhibit.make({row: results[row] for row in exhibit.rows(SETUP)}, SETUP)


def test_dice_by_dataset_and_structure(results):
    table = make(tables.DICE, results)
    assert list(table.columns[-3:]) == ["seeds", "data", "learnt"]
    assert table["structure"].tolist()[:6] == ["lv", "atrium", "lv"] * 2  # in our order, not the abstract's
    table = table.set_index(["model", "dataset", "structure"])
    joint = table.loc[(PARTIAL.title, "CAMUS", "lv")]
    assert joint["dice"] == pytest.approx(0.85) and joint["dice_published"] == 0.951 and joint["data"] == "CAMUS"
    other = table.loc[(PARTIAL.title, "EchoNet-Dynamic", "lv")]
    assert other["dice_published"] == 0.931 and other["data"] == "phantom"
    assert table["dice_published"].notna().sum() == 2
    assert table.loc[(MASKS.title, "CAMUS", "atrium"), "dice"] == pytest.approx(0.8)
    assert not any("keypoints only" in model for model, *_ in table.index)
    assert table.loc[("mean mask", "CAMUS", "lv"), "dice"] == pytest.approx(0.65) and len(table) == 3 + 4 * 3
    assert dice_and_floor(results[MASKS], "camus") == pytest.approx((0.8, 0.65))


def test_keypoints_in_every_unit_and_their_floor(results):
    table = make(tables.KEYPOINTS, results).set_index(["model", "point"])
    joint = table.loc[(PARTIAL.title, "all")]
    assert (joint["px"], joint["native_px"], joint["mm"], joint["px_published"]) == (1, 3, 2, 1.13)
    assert "px_difference" not in table
    assert table.loc[(POINTS.title, "b"), "px"] == 2
    # point a lies at 10 to 13, b always at 20
    floor = table.loc[(f"mean position, {DESIGNS['partial']}", "all"), "px"]
    assert floor == pytest.approx((1.5 + 0.5 + 0.5 + 1.5) / 8)
    assert (MASKS.title, "all") not in table.index
    assert keypoint_error_and_floor(results[POINTS]) == pytest.approx((2, floor))
    some = {
        row: of_row if row in (PARTIAL, POINTS) else [] for row, of_row in results.items()
    }  # the others did not run
    models = make(tables.KEYPOINTS, some)["model"].unique()
    assert set(models) == {f"mean position, {DESIGNS['partial']}", PARTIAL.title, POINTS.title}


def test_walls_follow_from_the_measures(results):
    table = make(tables.WALLS, results).set_index(["model", "measure"])
    errors = table["error"]
    assert errors[PARTIAL.title, "LVPW (cm)"] == pytest.approx(0.1) and errors[PARTIAL.title, "IVS (cm)"] == 0
    assert errors[PARTIAL.title, "relative wall thickness"] == pytest.approx(2 * 0.1 / 5)
    mass = [0.8 * 1.04 * ((1 + 5 + wall) ** 3 - 5**3) + 0.6 for wall in (0.9, 1.0)]
    assert errors[POINTS.title, "mass (g)"] == pytest.approx(mass[1] - mass[0])
    counts = table["n"]
    assert counts[PARTIAL.title, "IVS (cm)"] == 6 and counts[PARTIAL.title, "mass (g)"] == 3  # ED alone
    assert {model for model, _ in table.index} == {PARTIAL.title, POINTS.title}


def test_a_measure_of_a_single_frame_is_left_out(results):
    one = measures(0.1).query("name == 'n0_ED'")
    single = SimpleNamespace(table=lambda name: one)
    assert tables.WALLS.make({PARTIAL: [single]}, SETUP).empty


def test_ef_against_either_reference(results):
    table = make(tables.EJECTION_FRACTION, results).set_index(["model", "plane", "against"])
    assert table.loc[(PARTIAL.title, "single plane", "human masks"), "mae"] == pytest.approx(1)
    assert table.loc[(PARTIAL.title, "single plane", "cfg"), "mae"] == pytest.approx(5)
    biplane = table.loc[(MASKS.title, "biplane", "human masks")]
    assert (biplane["n"], biplane["unreadable"]) == (2, 1) and biplane["mae"] == pytest.approx(2)


NEARER, HIGHER = "both tasks together bring keypoints nearer", "both tasks together raise the Dice of the ventricle"


def readable(error, order=None, mean_mask=0.5):
    """As `made`, with keypoints far from their mean position: the labels of a point lie 10 px apart."""
    result = made(0.0, error, order)
    table = result.predictions
    table["x"] = table["name"].str[1:].astype(float) * 10
    table.loc[table["point"] == "c", ["x", "y"]] = np.nan
    of_masks = masks(order=order).assign(dice_mean_mask=mean_mask)
    result.table = {"masks": of_masks, "predictions": table}.__getitem__
    return result


@pytest.fixture
def learnt():
    """Both tasks alike in Dice and 1 px nearer in keypoints, of points whose mean position is 10 px off."""
    joint, single = [readable(1.0), readable(1.0, order=-1)], [readable(2.0), readable(2.0)]
    return {row: (joint if row.single_task is None else single) for row in ROWS}


def test_the_ablation_compares_both_tasks_with_one(results, learnt):
    table = CLAIMS.make(results, SETUP).set_index("claim")
    assert table["quantity"].tolist() == ["Dice", "input px"] and table["parts"].tolist() == ["3 of 3", "0 of 2"]
    dice = table.loc[HIGHER]
    assert dice["difference"] == pytest.approx(0.05) and dice["verdict"] == "supported"
    assert (dice["n"], dice["seeds"]) == (4, 2)
    distance = CLAIMS.make(learnt, SETUP).set_index("claim").loc[NEARER]
    assert distance["difference"] == pytest.approx(-1) and distance["verdict"] == "supported"
    parts = CLAIMS_IN_PARTS.make(learnt, SETUP)
    assert parts["condition"].tolist() == [
        f"CAMUS, {DESIGNS['partial']}", f"EchoNet-Dynamic, {DESIGNS['partial']}", f"CAMUS, {DESIGNS['derived']}",
        *DESIGNS.values(),
    ]  # fmt: skip
    swapped = {row: learnt[Row(row.design, None if row.single_task else "keypoints")] for row in ROWS}
    assert CLAIMS.make(swapped, SETUP).set_index("claim").loc[NEARER, "verdict"] == "opposite"


def test_keypoints_no_nearer_than_half_the_mean_position_decide_nothing(results):
    """Made predictions are 1 and 2 px off, the mean position half a px."""
    table = CLAIMS.make(results, SETUP).set_index("claim")
    assert table.loc[NEARER, "verdict"].startswith("not testable: keypoints only, ")
    keypoints = make(tables.KEYPOINTS, results).set_index(["model", "point"])
    assert keypoints.loc[(PARTIAL.title, "all"), "learnt"] == "no: 200 % of the mean position's error"


def test_masks_no_better_than_the_mean_mask_decide_nothing(learnt):
    """0.8 on average on either dataset, which the mean mask has too."""
    learnt[MASKS] = [readable(2.0, mean_mask=0.8), readable(2.0, mean_mask=0.8)]
    parts = CLAIMS_IN_PARTS.make(learnt, SETUP).set_index("condition")
    reason = f"not testable: {MASKS.title} did not learn (Dice 0.80, the mean mask 0.80)"
    assert parts.loc[f"CAMUS, {DESIGNS['partial']}", "verdict"] == reason
    assert parts.loc[f"EchoNet-Dynamic, {DESIGNS['partial']}", "verdict"] == reason
    assert parts.loc[f"CAMUS, {DESIGNS['derived']}", "verdict"] == "equivalent"  # of another row
    dice = make(tables.DICE, learnt).set_index(["model", "dataset", "structure"])["learnt"]
    assert dice[MASKS.title, "CAMUS", "lv"] == "no: Dice 0.80, the mean mask 0.80"
    assert dice[PARTIAL.title, "CAMUS", "lv"] == "yes"


def test_the_story_is_the_joint_network(learnt):
    demo = Setup(PROFILES["demo"].model_copy(update={"resamples": 50}), SETUP.folders)
    for exhibit in (tables.DICE, tables.KEYPOINTS, tables.WALLS, CLAIMS):
        assert list(exhibit.rows_of(demo)) == [PARTIAL]
    assert f"In the larger profiles: {MASKS.title}; " in tables.DICE.caption_for(demo)
    assert not tables.KEYPOINTS_DERIVED.is_made(demo) and tables.KEYPOINTS_PARTIAL.is_made(demo)
    claims = CLAIMS.make({PARTIAL: learnt[PARTIAL]}, demo)
    assert set(claims["verdict"]) == {"not testable: in full"}


def test_people_are_drawn_with_all_their_images(results):
    claim, _ = CLAIMS.claims(SETUP)
    evidence = CLAIMS.evidence(results, SETUP, claim, claim.parts[0])
    assert evidence.people.tolist() == ["p0", "p0", "p1", "p1"]
    np.testing.assert_allclose(evidence.better - evidence.worse, 0.05)


def test_the_cost_of_two_is_a_sum():
    costs = pd.DataFrame(
        {
            "method": ["both", "masks only", "points only"],
            "parameters": [5, 3, 4],
            "gflop": [2.0, 1, 1.5],
            "ms": [3.0, 2, 2],
            "ms_low": [2.5, 1, 1.5],
            "ms_high": [4.0, 3, 3],
        }
    )
    total = with_both_single(costs).iloc[-1]
    assert total["method"] == "both single models"
    assert total.tolist()[1:] == [7, 2.5, 4, 2.5, 6]
