"""EF by biplane discs of CAMUS patients that lie in a folder of their own, such as those of the first release."""

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from echolib.data.errors import DataError
from echolib.data.image import read_image, read_mask
from echolib.data.letterbox import fit_frames, letterbox
from echolib.data.loaders.images import LEFT_VENTRICLE, resize_images
from echolib.data.readers.camus import CAMUS
from echolib.data.sampling import Normalisation
from echolib.engine.execution import trained_model
from echolib.metrics.per_item import ef_table
from echolib.papers.exhibits import Results, Setup
from echolib.papers.multitask.experiments import JOINT
from echolib.tasks.multitask import MultiTaskLearning


def first_release(setup: Setup) -> Path:
    """Where CAMUS as published holds five patients of its first release, in both views; the phantom has none."""
    return setup.folder("camus") / "biplane_1_5"


def first_release_ef(results: Results, setup: Setup) -> pd.DataFrame:
    """The `ef` table of the first release's patients by the joint network, with the split that each belongs to in
    CAMUS. Raises DataError where the folder is not there."""
    folder = first_release(setup)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give a CAMUS folder that holds its first release's patients there")
    assert setup.context is not None
    (result,) = results[JOINT]
    model, datasets = trained_model(result, setup.context)
    camus = {dataset.name: dataset for dataset in datasets}["camus"]
    table = biplane_ef(result.experiment.task, model, camus.normalise, folder)
    split = camus.items.drop_duplicates("person").set_index("person")["split"]
    return table.assign(split=table["patient"].map(split).fillna("not in the dataset"))


def biplane_ef(
    task: MultiTaskLearning, model: nn.Module, normalise: Normalisation, folder: str | PathLike, stored: int = 256
) -> pd.DataFrame:
    """The `ef` table of a trained network for the ED and ES images with masks of a CAMUS folder.

    Pixels that are not square, as in the first release, are made so first: the network has learnt from square ones.
    The discs are measured on images letterboxed to `stored` pixels. The label is cfg `LVef` where there is one, the EF
    of the human masks, else cfg `EF`. Whether these patients were among the training ones is the caller's to know.
    """
    images = CAMUS(folder).images
    images = images[images["phase"].isin(["ED", "ES"]) & (images["mask_path"] != "")].reset_index(drop=True)
    device = next(model.parameters()).device
    read = [_fitted(row.path, row.mask_path, stored) for row in images.itertuples()]
    pixels, labels, side_mm = (np.array(column) for column in zip(*read, strict=True))
    items = images.rename(columns={"patient": "person"}).assign(row_mm=side_mm, column_mm=side_mm)
    items["ef_percent"] = items["lv_ef_percent"].fillna(items["ef_percent"])
    small = resize_images(torch.as_tensor(pixels, device=device), task.size)
    with torch.no_grad():
        masks = task.segment(model.eval(), normalise, small, (stored, stored))[:, task.structures.index("lv")]
    return ef_table(items, masks.cpu().numpy(), labels == LEFT_VENTRICLE)


def _fitted(image: str, mask: str, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Image and labels with square pixels, letterboxed to size x size, and the side of a pixel in mm."""
    (pixels, spacing), (labels, _) = read_image(image), read_mask(mask)
    side = max(spacing)
    height, width = (round(extent * mm / side) for extent, mm in zip(pixels.shape[-2:], spacing, strict=True))
    shape = (height, width)
    square = F.interpolate(torch.from_numpy(pixels)[None].float(), size=shape, mode="area").round().byte()[0].numpy()
    square_labels = F.interpolate(torch.from_numpy(labels)[None], size=shape, mode="nearest-exact")[0].numpy()
    fitted = fit_frames(square, (size, size))[0]
    return (
        fitted,
        fit_frames(square_labels, (size, size), "nearest")[0],
        side / letterbox(height, width, (size, size)).scale,
    )
