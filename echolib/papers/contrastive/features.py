"""What pretrained encoders know before they see a label: linear probe, nearest neighbours, and the views they learn."""

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from echolib.data.loaders.clips import in_chunks
from echolib.data.loaders.images import MaskedImages, resize_images
from echolib.data.loaders.unlabelled import Unlabelled
from echolib.data.views import views
from echolib.engine.execution import trained_model
from echolib.engine.experiment import Result, RunContext
from echolib.engine.task import on_device
from echolib.metrics.bootstrap import bootstrap_interval
from echolib.metrics.ejection import r2
from echolib.papers.exhibits import Results, Setup
from echolib.papers.gates import contrastive_gate
from echolib.tasks.pretraining import validation_batches
from echolib.tasks.simclr import SimCLRPretraining

REFERENCES = ("SimCLR (E), DeepLabV3", "SimCLR (E), U-Net")  # whose images are probed: the first of them that was run


def reference(results: Results) -> str:
    """The encoder whose images are probed, and beside whose features those of its random weights stand."""
    return next(title for title in REFERENCES if title in results)


def plateau(result: Result) -> tuple[float, float]:
    """Of a finished SimCLR pretraining: its validation loss, and what that is where all embeddings are equal,
    log(2B - 1) in the batches of the validation split. They are equal where nothing was learnt."""
    sizes = validation_batches(len(result.predictions))
    equal = np.average([np.log(max(2 * size - 1, 1)) for size in sizes], weights=sizes)
    return result.metrics["best_val_loss"], float(equal)


def pretraining_table(results: Results, setup: Setup) -> pd.DataFrame:
    """How far each encoder came: optimiser steps, epochs, the one kept, its validation loss (of SimCLR beside that of
    equal embeddings), and how widely its embeddings are spread."""
    rows = []
    for title, (result, *_) in results.items():
        figures, task = result.metrics, result.experiment.task
        batch = result.experiment.schedule.batch_size
        steps = task.items_per_epoch // batch * figures["epochs"] if task.items_per_epoch else pd.NA
        row = {"encoder": title, "steps": steps, "epochs": figures["epochs"], "epoch_kept": figures["best_epoch"] + 1}
        row["validation_loss"] = figures["best_val_loss"]
        contrasts = isinstance(task, SimCLRPretraining)  # BYOL's loss has no such floor
        row["all_equal"] = plateau(result)[1] if contrasts else np.nan
        row["learnt"] = contrastive_gate(*plateau(result)).outcome if contrasts else ""
        rows.append(row | {"spread": figures["spread"], "seconds": figures["seconds"]})
    return pd.DataFrame(rows).astype({"steps": "Int64"})


def traced_images(results: Results, setup: Setup) -> MaskedImages:
    """The traced frames of EchoNet-Dynamic, from which the area of the ventricle is read."""
    assert setup.context is not None
    (selection,) = results[reference(results)][0].experiment.data
    return MaskedImages.of(selection.open(setup.context.cache), setup.context.device)


def frozen_features(results: Results, setup: Setup) -> dict[str, np.ndarray]:
    """Features (images, D) of the traced frames by every encoder, and by the reference's with its random weights."""
    context, images, title = setup.context, traced_images(results, setup), reference(results)
    assert context is not None
    untrained = title.replace("SimCLR (E)", "random")
    features = {untrained: image_features(results[title][0], context, images, trained=False)}
    return features | {title: image_features(result, context, images) for title, (result, *_) in results.items()}


def image_features(result: Result, context: RunContext, images: MaskedImages, *, trained: bool = True) -> np.ndarray:
    """Features (images, D) of labelled images by a pretrained encoder, or by the same one with its random weights."""
    task = result.experiment.task
    model, data = trained_model(result, context)
    if not trained:
        torch.manual_seed(result.experiment.seed)
        model = on_device(task.make_network(), context.device).eval()

    @torch.no_grad()
    def features(part: torch.Tensor) -> torch.Tensor:
        return model.encoder(data.network_input(part.unsqueeze(1).float() / 255)).float()

    return in_chunks(features, resize_images(images.images, task.size)).cpu().numpy()


def probe_table(results: Results, setup: Setup) -> pd.DataFrame:
    """R2 on the test split of a ridge regression from features to the share of the image that the ventricle fills,
    with 90 % intervals over people. One row per encoder."""
    images = traced_images(results, setup)
    return linear_probe(setup.once(frozen_features, results), images, resamples=setup.profile.resamples)


def linear_probe(features: dict[str, np.ndarray], images: MaskedImages, *, resamples: int) -> pd.DataFrame:
    """`probe_table` of given features: {encoder: (images, D)}."""
    area = (images.labels == 1).float().mean((1, 2)).cpu().double().numpy() * 100
    train, test = (images.of_split[name].cpu().numpy() for name in ("train", "test"))
    people = images.items["person"].to_numpy()[test]
    rows = []
    for title, x in features.items():
        probe = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))).fit(x[train], area[train])
        interval = bootstrap_interval(r2, area[test], probe.predict(x[test]), resamples=resamples, groups=people)
        rows.append({"encoder": title} | dict(zip(("r2", "r2_low", "r2_high"), interval, strict=True)))
    return pd.DataFrame(rows)


def neighbours(x: np.ndarray, images: MaskedImages, queries: int = 4, nearest: int = 4) -> np.ndarray:
    """Rows of test images and of the nearest training images of other people by cosine: (queries, 1 + nearest)."""
    unit = x / np.linalg.norm(x, axis=1, keepdims=True).clip(1e-12)
    train, test = (images.of_split[name].cpu().numpy() for name in ("train", "test"))
    chosen = test[np.linspace(0, len(test) - 1, min(queries, len(test))).round().astype(int)]
    order = np.argsort(-(unit[chosen] @ unit[train].T), axis=1, kind="stable")[:, :nearest]
    return np.concatenate([chosen[:, None], train[order]], axis=1)


def example_views(data: Unlabelled, count: int, seed: int = 0) -> list[list[np.ndarray]]:
    """For some training items the frame and four random views of it, in grey levels 0 to 255."""
    generator = torch.Generator(data.pixels.device).manual_seed(seed)
    frames = data.draw(data.of_split["train"][:count], generator)
    drawn = [frames.float()] + [255 * views(frames, generator).squeeze(1) for _ in range(4)]
    return [[images[k].cpu().numpy() for images in drawn] for k in range(len(frames))]
