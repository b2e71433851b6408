"""Tables of what multi-task learning predicts: per image and structure, per keypoint, per measure, per patient.

`items` is a table with one row per image, in the order of the arrays; the columns that it must have are named below,
and an identifying column that a dataset lacks (a view, a frame) is left empty.
"""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from echolib.geometry.volumes import Discs, disc_volume_ml, ejection_fraction, mask_discs
from echolib.geometry.walls import wall_measures
from echolib.metrics.masks import dice, overlap
from echolib.shapes import ImageMasks, ImagePoints, StructureMasks

IDENTITY = ("dataset", "name", "person", "view", "phase", "frame")
MASKS = ("dataset", "name", "person", "view", "phase", "structure", "overlap_px", "predicted_px", "true_px", "dice",
         "dice_mean_mask")  # fmt: skip
POINTS = ("dataset", "name", "person", "view", "phase", "frame", "point", "x", "y", "x_predicted", "y_predicted",
          "error_input_px", "error_native_px", "error_mm")  # fmt: skip
MEASURES = ("name", "person", "phase", "measure", "label_cm", "predicted_cm", "cm_per_input_px", "cm_per_native_px")
EF = ("patient", "label", "single_plane_4ch", "biplane", "masks_single_plane_4ch", "masks_biplane")
NO_DISCS = Discs(np.full(20, np.nan), np.float64(np.nan))


def mask_table(
    items: pd.DataFrame,
    masks: StructureMasks,
    truth: StructureMasks,
    structures: Sequence[str],
    mean_dice: Float[np.ndarray, "item structure"],
) -> pd.DataFrame:
    """One row per image and structure, with the columns MASKS: pixel counts, Dice, and that of the mean mask.

    Parameters
    ----------
    items : one row per image.
    masks, truth : (images, structures, height, width), predicted and labelled.
    structures : names of the second axis.
    mean_dice : (images, structures) of the mean training mask, as `echolib.metrics.mean_mask_dice` gives it.
    """
    identity, tables = _identity(items, MASKS), []
    for i, structure in enumerate(structures):
        counts = overlap(masks[:, i], truth[:, i])
        columns = dict(zip(("overlap_px", "predicted_px", "true_px"), counts, strict=True))
        scores = {"dice": dice(*counts), "dice_mean_mask": mean_dice[:, i]}
        tables.append(identity.assign(structure=structure, **columns, **scores))
    return pd.concat(tables, ignore_index=True)[list(MASKS)]


def point_table(items: pd.DataFrame, points: ImagePoints, truth: ImagePoints, names: Sequence[str]) -> pd.DataFrame:
    """One row per image and keypoint, with the columns POINTS: positions in pixels of the input and their distance.

    Parameters
    ----------
    items : one row per image, with input_scale (pixels of the input per native one), input_row_mm and input_column_mm
        (size of a pixel of the input). error_native_px counts pixels of the file, error_mm uses the size that the
        labels or the header give them.
    points, truth : (images, points, 2) x, y in pixels of the input; NaN in `truth` where unlabelled.
    names : of the points.
    """
    identity, tables = _identity(items, POINTS), []
    pixel_mm = items[["input_column_mm", "input_row_mm"]].to_numpy()
    scale = items["input_scale"].to_numpy()
    for i, name in enumerate(names):
        offset = points[:, i] - truth[:, i]
        distance = np.linalg.norm(offset, axis=-1)
        columns = {"x": truth[:, i, 0], "y": truth[:, i, 1]}
        columns |= {"x_predicted": points[:, i, 0], "y_predicted": points[:, i, 1]}
        columns |= {"error_input_px": distance, "error_native_px": distance / scale}
        tables.append(identity.assign(point=name, **columns, error_mm=np.linalg.norm(offset * pixel_mm, axis=-1)))
    return pd.concat(tables, ignore_index=True)[list(POINTS)]


def measure_table(items: pd.DataFrame, points: ImagePoints, truth: ImagePoints) -> pd.DataFrame:
    """One row per image and measure (IVS, LVID, LVPW), with the columns MEASURES, in cm.

    Parameters
    ----------
    items : one row per image of EchoNet-LVH, with input_row_mm and cm_per_px (size of a native pixel).
    points, truth : (images, 4, 2) as `echolib.geometry.wall_measures` takes them, in pixels of the input.
    """
    cm_per_px = (items["input_row_mm"] / 10).to_numpy()
    items = items.reset_index(drop=True).assign(cm_per_input_px=cm_per_px)
    items["cm_per_native_px"] = items["cm_per_px"]
    labels, predictions = wall_measures(truth, cm_per_px), wall_measures(points, cm_per_px)
    tables = [
        items.assign(measure=name.upper(), label_cm=getattr(labels, name), predicted_cm=getattr(predictions, name))
        for name in labels._fields
    ]
    return pd.concat(tables, ignore_index=True)[list(MEASURES)]


def ef_table(items: pd.DataFrame, masks: ImageMasks, truth: ImageMasks) -> pd.DataFrame:
    """One row per CAMUS patient, with the columns EF: ejection fraction in percent by the method of discs.

    NaN where a view, an instant or the ventricle is missing. The label is the cfg's EF, which follows another
    convention than discs.

    Parameters
    ----------
    items : one row per image, with person, view, phase, ef_percent (the label), row_mm and column_mm (size of a pixel).
    masks, truth : (images, height, width) ventricles, predicted and human.
    """
    discs_of = {"": _discs(items, masks), "masks_": _discs(items, truth)}
    rows = []
    for person, label in items.groupby("person", sort=True)["ef_percent"].first().items():
        row = {"patient": person, "label": label}
        for prefix, discs in discs_of.items():
            views = {v: [discs.get((person, v, phase), NO_DISCS) for phase in ("ED", "ES")] for v in ("2CH", "4CH")}
            single = [disc_volume_ml(view) for view in views["4CH"]]
            both = [disc_volume_ml(a, b) for a, b in zip(*views.values(), strict=True)]
            row |= {f"{prefix}single_plane_4ch": ejection_fraction(*single)}
            row |= {f"{prefix}biplane": ejection_fraction(*both)}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(EF))


def _discs(items: pd.DataFrame, masks: ImageMasks) -> dict[tuple[Hashable, ...], Discs]:
    """The discs of each image by patient, view and phase."""
    keys = items[["person", "view", "phase"]].itertuples(index=False, name=None)
    spacing = items[["row_mm", "column_mm"]].to_numpy()
    return {key: mask_discs(mask, mm) for key, mask, mm in zip(keys, masks, spacing, strict=True)}


def _identity(items: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Those of a table's columns that tell images apart, one row per image; empty where the dataset has none."""
    return items.reset_index(drop=True).reindex(columns=[name for name in IDENTITY if name in columns])
