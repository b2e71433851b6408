"""Fig. 4 of contrastive pretraining: outlines of several trained networks on easy and hard test frames."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from echolib.data.loaders.images import structure_targets
from echolib.engine.execution import trained_model
from echolib.engine.experiment import Result, RunContext
from echolib.papers.contrastive.experiments import Cell
from echolib.papers.contrastive.scores import measured

SHOWN = (  # title, start, fraction of the labels: the paper shows these of DeepLabV3, all but the second
    ("ImageNet, 100 %", "ImageNet", 1.0),
    ("random, 100 %", "random", 1.0),  # beside it, since ImageNet weights cannot always be had
    ("SimCLR, 100 %", "SimCLR (E)", 1.0),
    ("SimCLR, 5 %", "SimCLR (E)", 0.05),
    ("BYOL, 100 %", "BYOL (E)", 1.0),
)
NETWORKS = ("DeepLabV3", "U-Net")  # the first that was run is shown


@torch.no_grad()
def outlines_to_show(
    cells: Mapping[Cell, Sequence[Result]], context: RunContext, frames: int = 3
) -> tuple[list[np.ndarray], list[np.ndarray], dict[str, list[np.ndarray]], list[str]]:
    """Images, label masks, masks by network and titles of `frames` test frames, from the easiest to the hardest for
    SimCLR with all labels: the arguments of `report.mask_overlays`."""
    by_title = {(start.title, fraction): results for (start, fraction), results in cells.items()}
    network = next(name for name in NETWORKS if (f"SimCLR (E), {name}", 1.0) in by_title)
    reference = by_title[f"SimCLR (E), {network}", 1.0][0]
    dice = reference.predictions["lv_dice"].to_numpy()
    chosen = np.argsort(-dice, kind="stable")[np.linspace(0, len(dice) - 1, frames).round().astype(int)]
    names = reference.predictions["name"].to_numpy()[chosen]
    masks = {}
    for title, start, fraction in SHOWN:
        results = by_title.get((f"{start}, {network}", fraction), ())
        if measured(results):
            model, data = trained_model(results[0], context)
            rows = [int(np.flatnonzero(data.stored.items["name"] == name)[0]) for name in names]
            items = torch.as_tensor(rows, device=context.device)
            masks[title] = list(results[0].experiment.task.segment(model, data, items)[:, 0].cpu().numpy())
    # pyrefly: ignore[unbound-name]  (the reference is measured and one of those shown)
    truth = structure_targets(data.stored.labels[items], ("lv",))[:, 0].cpu().numpy()
    # pyrefly: ignore[unbound-name]  (as above)
    images = data.stored.images[items].cpu().numpy()
    titles = [
        f"{level}, Dice {dice[k]:.2f}" for level, k in zip(("easiest", "middling", "hardest"), chosen, strict=True)
    ]
    return list(images), list(truth), masks, titles
