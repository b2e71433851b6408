"""Tables of multi-task learning, rebuilt from the predictions of finished experiments."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.geometry.walls import lv_mass_g, relative_wall_thickness
from echolib.metrics.bootstrap import bootstrap_interval, paired_difference
from echolib.papers import published
from echolib.papers.multitask.experiments import DESIGNS, Row
from echolib.report.published import beside_published

Rows = Mapping[Row, Sequence[Result]]
WORDS = {"camus": "CAMUS", "echonet_dynamic": "EchoNet-Dynamic", "echonet_lvh": "EchoNet-LVH"}
MM, PX = "error_mm", "error_input_px"
NEARER = "both tasks bring keypoints nearer"


def by_seed(results: Sequence[Result], table: str, value: str, chosen: Callable, keys: Sequence[str]):
    """A value of each seed's table on the items that `chosen` keeps: (seeds, items), and the person of each item."""
    tables = [each.table(table) for each in results]
    tables = [frame[chosen(frame)].sort_values(list(keys)).reset_index(drop=True) for frame in tables]
    return np.stack([frame[value].to_numpy(float) for frame in tables]), tables[0]["person"].to_numpy()


def dice_of(results: Sequence[Result], dataset: str, structure: str) -> tuple[np.ndarray, np.ndarray]:
    """Dice of a structure in a dataset's test images: (seeds, images), and the person of each image."""
    keep = lambda frame: (frame["dataset"] == dataset) & (frame["structure"] == structure)  # noqa: E731
    return by_seed(results, "masks", "dice", keep, ["name"])


def errors_of(results: Sequence[Result], point: str | None = None, value: str = PX) -> tuple[np.ndarray, np.ndarray]:
    """Distances of a keypoint, or of all, where it is labelled: (seeds, points), and the person of each."""

    def keep(frame: pd.DataFrame) -> pd.Series:
        labelled = frame[PX].notna()
        return labelled if point is None else labelled & (frame["point"] == point)

    return by_seed(results, "predictions", value, keep, ["name", "point"])


def _interval(values: np.ndarray, people: np.ndarray, name: str, resamples: int) -> dict[str, float]:
    mean = values.mean(axis=0)  # a mean over seeds of means over items is a mean over items of means over seeds
    found = bootstrap_interval(lambda each: each.mean(-1), mean, resamples=resamples, groups=people)
    return dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))


def dice_table(rows: Rows, labels: Mapping[str, str], *, resamples: int) -> pd.DataFrame:
    """Dice per test image by model, dataset and structure: mean over seeds, 90 % intervals over people; the published
    ventricle's beside the two datasets that it names. labels: what each dataset is here ("phantom", "CAMUS")."""
    found = []
    for row, results in rows.items():
        if row.single_task == "keypoints":
            continue
        pairs = results[0].table("masks")[["dataset", "structure"]].drop_duplicates()
        for dataset, structure in pairs.itertuples(index=False):
            dice, people = dice_of(results, dataset, structure)
            own = {"model": row.words, "dataset": WORDS[dataset], "structure": structure, "data": labels[dataset]}
            found.append(own | _interval(dice, people, "dice", resamples) | {"seeds": len(results)})
    printed = published("multitask").query("metric == 'dice'")
    printed = pd.DataFrame(
        {
            "model": Row("partial", None).words,
            "dataset": printed["dataset"].map(WORDS).to_numpy(),
            "structure": "lv",
            "dice": printed["value"].to_numpy(),
        }
    )
    return _beside(pd.DataFrame(found), printed, ["model", "dataset", "structure"], "dice")


def keypoint_table(rows: Rows, labels: Mapping[str, str], *, resamples: int) -> pd.DataFrame:
    """Distance of predicted keypoints by model and point: pixels of the input (90 % intervals over people), native
    pixels, mm; means over seeds. First of each design what the mean position of the test labels would give."""
    found = []
    for row, results in rows.items():
        if row.single_task == "segmentation":
            continue
        points = results[0].predictions.dropna(subset=[PX])
        data = labels[points["dataset"].iloc[0]]
        if row.single_task is None:
            floor = {"model": f"mean position, {DESIGNS[row.design]}", "point": "all", "data": data}
            found.append(floor | {"px": mean_position_error(points)})
        for point in ("all", *points["point"].unique()):
            errors, people = errors_of(results, None if point == "all" else point)
            own = {"model": row.words, "point": point.replace("_", " "), "data": data}
            own |= _interval(errors, people, "px", resamples)
            for name, value in (("native_px", "error_native_px"), ("mm", MM)):
                own[name] = float(errors_of(results, None if point == "all" else point, value)[0].mean())
            found.append(own | {"seeds": len(results)})
    printed = published("multitask").query("metric == 'keypoint_mae_px'")
    printed = pd.DataFrame(
        {"model": Row("partial", None).words, "point": "all", "px": printed["value"].to_numpy(), "native_px": np.nan}
    )
    ours = pd.DataFrame(found)
    both = _beside(ours, printed[["model", "point", "px"]], ["model", "point"], "px")
    return both.merge(ours[["model", "point", "native_px", "mm"]], on=["model", "point"], how="left")


def _beside(ours: pd.DataFrame, printed: pd.DataFrame, keys: list[str], metric: str) -> pd.DataFrame:
    """Beside the published numbers, in our own order."""
    both = beside_published(ours, printed, keys, metric, data="phantom")
    return ours[keys].merge(both, on=keys, how="left")


def mean_position_error(points: pd.DataFrame) -> float:
    """Mean distance of the test labels from their own mean, point by point, in pixels of the input."""
    centred = points[["x", "y"]] - points.groupby("point")[["x", "y"]].transform("mean")
    return float(np.hypot(centred["x"], centred["y"]).mean())


def wall_table(rows: Rows, *, resamples: int) -> pd.DataFrame:
    """What follows from the four points of EchoNet-LVH: mean absolute error of each measure in cm, of the relative wall
    thickness and of the mass in g (both at end diastole), 90 % intervals over people, means over seeds."""
    found = []
    for row, results in rows.items():
        if row.design == "derived" or row.single_task == "segmentation":
            continue
        errors = [wall_errors(each.table("measures")) for each in results]
        for name in errors[0].columns.drop("person"):
            values = np.stack([each[name].to_numpy(float) for each in errors])
            known = np.isfinite(values).all(axis=0)
            if known.sum() < 2:
                continue
            people = errors[0]["person"].to_numpy()[known]
            own = {"model": row.words, "measure": name, "n": int(known.sum())}
            found.append(own | _interval(values[:, known], people, "error", resamples) | {"seeds": len(results)})
    return pd.DataFrame(found)


def wall_errors(measures: pd.DataFrame) -> pd.DataFrame:
    """Absolute errors of one seed, a row a frame: IVS, LVID and LVPW in cm; RWT and mass in g where it is ED."""
    wide = measures.pivot(index=["name", "person", "phase"], columns="measure", values=["label_cm", "predicted_cm"])
    label, found = wide["label_cm"], wide["predicted_cm"]
    table = (found - label).abs()
    diastole = np.where(wide.index.get_level_values("phase") == "ED", 1.0, np.nan)
    thickness = [relative_wall_thickness(each["LVPW"], each["LVID"]) for each in (found, label)]
    mass = [lv_mass_g(each["IVS"], each["LVID"], each["LVPW"]) for each in (found, label)]
    table["relative wall thickness"] = (thickness[0] - thickness[1]).abs() * diastole
    table["mass (g)"] = (mass[0] - mass[1]).abs() * diastole
    table = table.rename(columns={name: f"{name} (cm)" for name in ("IVS", "LVID", "LVPW")})
    return table.reset_index().drop(columns=["name", "phase"]).rename_axis(columns=None)


def ef_table(rows: Rows, *, resamples: int) -> pd.DataFrame:
    """EF of CAMUS test patients by discs of the predicted masks: mean absolute error against discs of the human masks
    and against the cfg's EF, single plane and biplane; means over seeds, 90 % intervals over patients."""
    found = []
    for row, results in rows.items():
        if row.single_task == "keypoints":
            continue
        for plane in ("single_plane_4ch", "biplane"):
            for against, column in (("human masks", f"masks_{plane}"), ("cfg", "label")):
                tables = [each.table("ef").sort_values("patient") for each in results]
                errors = np.stack([(each[plane] - each[column]).abs().to_numpy(float) for each in tables])
                known = np.isfinite(errors).all(axis=0)
                if known.sum() < 2:
                    continue
                own = {"model": row.words, "plane": plane.replace("_4ch", "").replace("_", " "), "against": against}
                own |= {"n": int(known.sum()), "unreadable": int((~known).sum())}
                found.append(own | _interval(errors[:, known], np.arange(known.sum()), "mae", resamples))
    return pd.DataFrame(found)


def claims_table(rows: Rows, *, resamples: int) -> pd.DataFrame:
    """The ablation: joint minus single, paired over people and seeds with 95 % intervals, and a verdict.

    Dice of the ventricle is to be higher with both tasks, the distance of keypoints (px of the input) lower.
    """
    found = []
    for design in DESIGNS:
        joint = rows[Row(design, None)]
        masks, points = rows[Row(design, "segmentation")], rows[Row(design, "keypoints")]
        for dataset in joint[0].table("masks")["dataset"].unique():
            both = [dice_of(each, dataset, "lv") for each in (masks, joint)]
            words = f"both tasks raise the Dice of the ventricle, {WORDS[dataset]}"
            found.append({"design": DESIGNS[design], "claim": words} | _compared(both, "higher", resamples))
        both = [errors_of(each) for each in (points, joint)]
        found.append({"design": DESIGNS[design], "claim": NEARER} | _compared(both, "lower", resamples))
    return pd.DataFrame(found)


def _compared(both: list, expected: Literal["higher", "lower"], resamples: int) -> dict[str, object]:
    (single, people), (joint, _) = both
    found = paired_difference(
        lambda label, value: value.mean(-1), np.zeros(len(people)), single, joint, groups=people, resamples=resamples
    )
    row = {"single": single.mean(), "joint": joint.mean(), "difference": found.estimate}
    row |= {"difference_low": found.low, "difference_high": found.high}
    return row | {"seeds": len(joint), "verdict": found.verdict(expected)}


def joint_against_two(costs: pd.DataFrame) -> pd.DataFrame:
    """The cost of one joint model and of the two single ones together: `cost_table` of one design with a sum row."""
    single = costs[costs["method"].str.contains("only")]
    total = {"method": "both single models"} | {name: single[name].sum() for name in ("parameters", "gflop", "ms")}
    return pd.concat([costs, pd.DataFrame([total])], ignore_index=True)
