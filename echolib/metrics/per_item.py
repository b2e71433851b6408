"""What multi-task learning writes of its test items: a row an image and structure, a point, a measure, a patient."""

import numpy as np
import pandas as pd
from torch import Tensor

from echolib.data.loaders.labelled import LabelledSet
from echolib.geometry.volumes import Discs, disc_volume_ml, ejection_fraction, mask_discs
from echolib.geometry.walls import wall_measures
from echolib.metrics.masks import dice, overlap

MASKS = ("dataset", "name", "person", "view", "phase", "structure", "overlap_px", "predicted_px", "true_px", "dice")
POINTS = ("dataset", "name", "person", "view", "phase", "frame", "point", "x", "y", "x_predicted", "y_predicted",
          "error_input_px", "error_native_px", "error_mm")  # fmt: skip
MEASURES = ("name", "person", "phase", "measure", "label_cm", "predicted_cm", "cm_per_input_px", "cm_per_native_px")
EF = ("patient", "label", "single_plane_4ch", "biplane", "masks_single_plane_4ch", "masks_biplane")


def mask_table(found: LabelledSet, masks: Tensor, truth: Tensor, structures: tuple[str, ...]) -> pd.DataFrame:
    """Pixel counts at the stored size and Dice of test masks bool (items, structures, H, W); a row each."""
    items = _items(found, MASKS)
    tables = []
    for place, name in enumerate(structures):
        counts = overlap(masks[:, place].cpu().numpy(), truth[:, place].cpu().numpy())
        own = dict(zip(("overlap_px", "predicted_px", "true_px"), counts, strict=True))
        tables.append(items.assign(structure=name, **own, dice=dice(*counts)))
    return pd.concat(tables, ignore_index=True)[list(MASKS)]


def point_table(found: LabelledSet, points: np.ndarray, truth: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    """Places in pixels of the input and distances of test points (items, K, 2); a row a point. NaN in unlabelled ones.

    error_native_px counts the pixels of the file, error_mm uses the size that the labels or the header give them.
    """
    items, tables = _items(found, POINTS), []
    sides = found.items.iloc[found.of_split["test"].cpu()][["input_column_mm", "input_row_mm"]].to_numpy()
    scale = found.items["input_scale"].iloc[found.of_split["test"].cpu()].to_numpy()
    for place, name in enumerate(names):
        offset = points[:, place] - truth[:, place]
        distance = np.linalg.norm(offset, axis=-1)
        own = {"x": truth[:, place, 0], "y": truth[:, place, 1]}
        own |= {"x_predicted": points[:, place, 0], "y_predicted": points[:, place, 1]}
        own |= {"error_input_px": distance, "error_native_px": distance / scale}
        tables.append(items.assign(point=name, **own, error_mm=np.linalg.norm(offset * sides, axis=-1)))
    return pd.concat(tables, ignore_index=True)[list(POINTS)]


def measure_table(found: LabelledSet, points: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """IVS, LVID and LVPW in cm between test points (items, 4, 2) of EchoNet-LVH; a row each."""
    items, tables = found.items.iloc[found.of_split["test"].cpu()].reset_index(drop=True), []
    cm = (items["input_row_mm"] / 10).to_numpy()
    items = items.assign(cm_per_input_px=cm, cm_per_native_px=items["cm_per_px"])
    labels, predictions = wall_measures(truth, cm), wall_measures(points, cm)
    for name in labels._fields:
        own = {"label_cm": getattr(labels, name), "predicted_cm": getattr(predictions, name)}
        tables.append(items.assign(measure=name.upper(), **own))
    return pd.concat(tables, ignore_index=True)[list(MEASURES)]


def ef_table(items: pd.DataFrame, masks: Tensor, truth: Tensor) -> pd.DataFrame:
    """EF in percent of each CAMUS patient by discs of ventricles bool (items, H, W), predicted and human; a row each.

    items: person, view, phase, ef_percent (the label), row_mm and column_mm of a pixel of the masks. NaN where a view,
    an instant or the ventricle is missing. The label is the cfg's EF, which follows another convention than discs.
    """
    volumes = {"": _discs(items, masks), "masks_": _discs(items, truth)}
    rows = []
    for person, label in items.groupby("person", sort=True)["ef_percent"].first().items():
        row = {"patient": person, "label": label}
        for prefix, discs in volumes.items():
            views = {v: [discs.get((person, v, phase), EMPTY) for phase in ("ED", "ES")] for v in ("2CH", "4CH")}
            single = [disc_volume_ml(each) for each in views["4CH"]]
            both = [disc_volume_ml(a, b) for a, b in zip(*views.values(), strict=True)]
            row |= {f"{prefix}single_plane_4ch": ejection_fraction(*single)}
            row |= {f"{prefix}biplane": ejection_fraction(*both)}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(EF))


EMPTY = Discs(np.full(20, np.nan), np.float64(np.nan))


def _discs(items: pd.DataFrame, masks: Tensor) -> dict[tuple[str, str, str], Discs]:
    """The discs of each image by patient, view and phase."""
    keys = zip(items["person"], items["view"], items["phase"], strict=True)
    spacing = items[["row_mm", "column_mm"]].to_numpy()
    images = masks.cpu().numpy()
    return {key: mask_discs(mask, mm) for key, mask, mm in zip(keys, images, spacing, strict=True)}


def _items(found: LabelledSet, columns: tuple[str, ...]) -> pd.DataFrame:
    """The test items with those of the columns that belong to an item, empty where the dataset does not have them."""
    items = found.items.iloc[found.of_split["test"].cpu()].reset_index(drop=True).assign(dataset=found.name)
    own = [name for name in ("dataset", "name", "person", "view", "phase", "frame") if name in columns]
    return items.reindex(columns=own)
