"""Numbers of multi-task learning, computed from the predictions of finished experiments."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from echolib.data.registry import entry
from echolib.engine.experiment import Result
from echolib.geometry.walls import lv_mass_g, relative_wall_thickness
from echolib.papers.cost import cost_table
from echolib.papers.exhibits import Results, Setup
from echolib.papers.gates import keypoint_gate, mask_gate
from echolib.papers.intervals import mean_columns
from echolib.papers.multitask.experiments import DESIGNS, JOINT, ROWS, first_seed
from echolib.papers.published import published

ERROR = "error_input_px"
UNITS = {"px": ERROR, "native_px": "error_native_px", "mm": "error_mm"}  # column of ours: column of the predictions
PLANES = {"single_plane_4ch": "single plane", "biplane": "biplane"}
REFERENCES = {"human masks": "masks_{plane}", "cfg": "label"}  # of EF: column of the table `ef`


def by_seed(
    results: Sequence[Result], table: str, value: str, keep: Callable[[pd.DataFrame], pd.Series], keys: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """A column of each seed's table on the items that `keep` chooses: (seeds, items), and the person of each item.

    keys: the columns that name an item, by which every seed's items are put in one order.
    """
    tables = [result.table(table) for result in results]
    tables = [frame[keep(frame)].sort_values(list(keys)).reset_index(drop=True) for frame in tables]
    return np.stack([frame[value].to_numpy(float) for frame in tables]), tables[0]["person"].to_numpy()


def dice_of(
    results: Sequence[Result], dataset: str, structure: str, value: str = "dice"
) -> tuple[np.ndarray, np.ndarray]:
    """Dice of a structure in a dataset's test images: (seeds, images), and the person of each image."""

    def keep(frame: pd.DataFrame) -> pd.Series:
        return (frame["dataset"] == dataset) & (frame["structure"] == structure)

    return by_seed(results, "masks", value, keep, ["name"])


def errors_of(results: Sequence[Result], point: str = "all", value: str = ERROR) -> tuple[np.ndarray, np.ndarray]:
    """Distances of a keypoint, or of all, where it is labelled: (seeds, points), and the person of each."""

    def keep(frame: pd.DataFrame) -> pd.Series:
        labelled = frame[ERROR].notna()
        return labelled if point == "all" else labelled & (frame["point"] == point)

    return by_seed(results, "predictions", value, keep, ["name", "point"])


def keypoint_error_and_floor(results: Sequence[Result]) -> tuple[float, float]:
    """Mean distance of the keypoints over all seeds of a row, and what their mean position would give; pixels of the
    input."""
    return float(errors_of(results)[0].mean()), mean_position_error(results[0].predictions.dropna(subset=[ERROR]))


def dice_and_floor(results: Sequence[Result], dataset: str, structure: str = "lv") -> tuple[float, float]:
    """Mean Dice of a structure in a dataset's test images over all seeds of a row, and that of the mean training mask
    as the prediction for every image."""
    values = "dice", "dice_mean_mask"
    dice, floor = (float(dice_of(results, dataset, structure, value)[0].mean()) for value in values)
    return dice, floor


def _run(results: Results) -> Results:
    """The rows of which the profile runs any seed."""
    return {row: of_row for row, of_row in results.items() if of_row}


def dice_by_structure(results: Results, setup: Setup) -> pd.DataFrame:
    """Dice per test image by model, dataset and structure: mean over seeds, 90 % intervals over people and seeds;
    whether it was learnt. First of all what the mean training mask would give."""
    lines, floors = [], {}
    for row, of_row in _run(results).items():
        pairs = of_row[0].table("masks")[["dataset", "structure"]].drop_duplicates()
        for dataset, structure in pairs.itertuples(index=False):
            line = {"dataset": entry(dataset).title, "structure": structure, "data": setup.label(dataset)}
            floors[dataset, structure] = {"model": "mean mask"} | line
            floors[dataset, structure]["dice"] = dice_and_floor(of_row, dataset, structure)[1]
            line = {"model": row.title} | line | {"seeds": len(of_row)}
            line["learnt"] = mask_gate(*dice_and_floor(of_row, dataset, structure)).outcome
            lines.append(line | mean_columns(*dice_of(of_row, dataset, structure), "dice", setup))
    return pd.DataFrame([*floors.values(), *lines])


def printed_dice() -> pd.DataFrame:
    """The abstract's Dice of the ventricle on the two datasets that it names."""
    printed = published("multitask", "abstract").query("metric == 'dice'")
    titles = [entry(dataset).title for dataset in printed["dataset"]]
    keys = {"model": JOINT.title, "dataset": titles, "structure": "lv"}
    return pd.DataFrame(keys | {"dice": printed["value"].to_numpy()})


def keypoint_errors(results: Results, setup: Setup) -> pd.DataFrame:
    """Distance of predicted keypoints by model and point: pixels of the input (90 % intervals over people and seeds),
    native pixels, mm; means over seeds; whether they were learnt. First of each design what the mean position of the
    test labels would give."""
    lines = []
    for row, of_row in _run(results).items():
        points = of_row[0].predictions.dropna(subset=[ERROR])
        data = setup.label(points["dataset"].iloc[0])
        if row.single_task is None:
            floor = {"model": f"mean position, {DESIGNS[row.design]}", "point": "all", "data": data}
            lines.append(floor | {"px": keypoint_error_and_floor(of_row)[1]})
        for point in ("all", *points["point"].unique()):
            line = {"model": row.title, "point": point.replace("_", " "), "data": data, "seeds": len(of_row)}
            line |= {unit: float(errors_of(of_row, point, value)[0].mean()) for unit, value in UNITS.items()}
            line["learnt"] = keypoint_gate(*keypoint_error_and_floor(of_row)).outcome if point == "all" else ""
            lines.append(line | mean_columns(*errors_of(of_row, point), "px", setup))
    return pd.DataFrame(lines)


def printed_keypoint_error() -> pd.DataFrame:
    """The abstract's distance of keypoints."""
    printed = published("multitask", "abstract").query("metric == 'keypoint_mae_px'")
    return pd.DataFrame({"model": JOINT.title, "point": "all", "px": printed["value"].to_numpy()})


def mean_position_error(points: pd.DataFrame) -> float:
    """Mean distance of the test labels from their own mean, point by point, in pixels of the input."""
    centred = points[["x", "y"]] - points.groupby("point")[["x", "y"]].transform("mean")
    return float(np.hypot(centred["x"], centred["y"]).mean())


def errors_by_measure(results: Results, setup: Setup) -> pd.DataFrame:
    """What follows from the four points of EchoNet-LVH: mean absolute error of each measure in cm, of the relative wall
    thickness and of the mass in g (both at end diastole), means over seeds, 90 % intervals over people and seeds."""
    lines = []
    for row, of_row in _run(results).items():
        errors = [wall_errors(result.table("measures")) for result in of_row]
        people = errors[0].pop("person").to_numpy()
        for measure in errors[0].columns:
            values = np.stack([frame[measure].to_numpy(float) for frame in errors])
            known = np.isfinite(values).all(axis=0)
            if known.sum() < 2:
                continue
            line = {"model": row.title, "measure": measure, "n": int(known.sum())}
            line |= mean_columns(values[:, known], people[known], "error", setup)
            lines.append(line | {"seeds": len(of_row)})
    return pd.DataFrame(lines)


def wall_errors(measures: pd.DataFrame) -> pd.DataFrame:
    """Absolute errors of one seed, one row per frame: IVS, LVID and LVPW in cm; RWT and mass in g where it is ED."""
    wide = measures.pivot(index=["name", "person", "phase"], columns="measure", values=["label_cm", "predicted_cm"])
    label, predicted = wide["label_cm"], wide["predicted_cm"]
    table = (predicted - label).abs()
    diastole = np.where(wide.index.get_level_values("phase") == "ED", 1.0, np.nan)
    thickness = [relative_wall_thickness(cm["LVPW"], cm["LVID"]) for cm in (predicted, label)]
    mass = [lv_mass_g(cm["IVS"], cm["LVID"], cm["LVPW"]) for cm in (predicted, label)]
    table["relative wall thickness"] = (thickness[0] - thickness[1]).abs() * diastole
    table["mass (g)"] = (mass[0] - mass[1]).abs() * diastole
    table = table.rename(columns={name: f"{name} (cm)" for name in ("IVS", "LVID", "LVPW")})
    return table.reset_index().drop(columns=["name", "phase"]).rename_axis(columns=None)


def ef_errors(results: Results, setup: Setup) -> pd.DataFrame:
    """EF of CAMUS test patients by discs of the predicted masks: mean absolute error against discs of the human masks
    and against the cfg's EF, single plane and biplane; means over seeds, 90 % intervals over patients and seeds."""
    lines = []
    for row, of_row in _run(results).items():
        tables = [result.table("ef").sort_values("patient") for result in of_row]
        for plane, title in PLANES.items():
            for reference, column in REFERENCES.items():
                column = column.format(plane=plane)
                errors = np.stack([(frame[plane] - frame[column]).abs().to_numpy(float) for frame in tables])
                known = np.isfinite(errors).all(axis=0)
                if known.sum() < 2:
                    continue
                line = {"model": row.title, "plane": title, "against": reference}
                line |= {"n": int(known.sum()), "unreadable": int((~known).sum())}
                lines.append(line | mean_columns(errors[:, known], np.arange(known.sum()), "mae", setup))
    return pd.DataFrame(lines)


def cost_of_joint(results: Results, setup: Setup) -> pd.DataFrame:
    """The cost of each network of the first design, and of its two single-task ones together."""
    rows = first_seed(setup, [row for row in ROWS if row.design == "partial"])
    assert setup.context is not None
    costs = cost_table({row.title: experiment for row, (experiment,) in rows.items()}, setup.context)
    return with_both_single(costs)


def with_both_single(costs: pd.DataFrame) -> pd.DataFrame:
    """A `cost_table` of one design, with the sum of its two single-task models as its last row; medians and quartiles
    of the time are summed alike."""
    single = costs[costs["method"].str.contains("only")]
    total = single.drop(columns="method").sum().to_dict()
    total["parameters"] = int(total["parameters"])
    return pd.concat([costs, pd.DataFrame([{"method": "both single models"} | total])], ignore_index=True)
