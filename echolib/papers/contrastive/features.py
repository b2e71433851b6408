"""What pretrained encoders know before they see a label: linear probe, nearest neighbours, and the views they learn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from echolib.data.loaders.clips import in_chunks
from echolib.data.loaders.images import MaskedImages, resize_images
from echolib.data.views import views
from echolib.engine.experiment import Place, Result, trained_model
from echolib.engine.task import on_device
from echolib.metrics.bootstrap import bootstrap_interval
from echolib.metrics.ejection import r2
from echolib.tasks.pretraining import Unlabelled, validation_batches


def pretraining_table(results: Mapping[str, Result]) -> pd.DataFrame:
    """How far each encoder came: epochs, the one kept, its validation loss, and what SimCLR's is where all embeddings
    are equal, log(2B - 1) in the batches of the validation split."""
    rows = []
    for name, result in results.items():
        sizes = validation_batches(len(result.predictions))
        equal = np.average([np.log(max(2 * size - 1, 1)) for size in sizes], weights=sizes)
        row = {"encoder": name, "epochs": result.metrics["epochs"], "epoch_kept": result.metrics["best_epoch"] + 1}
        row["validation_loss"] = result.metrics["best_val_loss"]
        row["all_equal"] = equal if result.experiment.task.method == "simclr" else np.nan
        rows.append(row | {"seconds": result.metrics["seconds"]})
    return pd.DataFrame(rows)


def image_features(result: Result, place: Place, images: MaskedImages, *, trained: bool = True) -> np.ndarray:
    """Features (images, D) of labelled images by a pretrained encoder, or by the same one with its random weights."""
    task = result.experiment.task
    model, data = trained_model(result, place)
    if not trained:
        torch.manual_seed(result.experiment.seed)
        model = on_device(task.make_network(), place.device).eval()

    @torch.no_grad()
    def features(part: torch.Tensor) -> torch.Tensor:
        return model.encoder(data.network_input(part.unsqueeze(1).float() / 255)).float()

    return in_chunks(features, resize_images(images.images, task.size)).cpu().numpy()


def probe_table(features: Mapping[str, np.ndarray], images: MaskedImages, *, resamples: int) -> pd.DataFrame:
    """R2 on the test split of a ridge regression from features to the share of the image that the ventricle fills,
    with 90 % intervals over people. One row an encoder."""
    area = (images.labels == 1).float().mean((1, 2)).cpu().double().numpy() * 100
    train, test = (images.of_split[name].cpu().numpy() for name in ("train", "test"))
    people = images.items["person"].to_numpy()[test]
    rows = []
    for name, x in features.items():
        probe = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))).fit(x[train], area[train])
        interval = bootstrap_interval(r2, area[test], probe.predict(x[test]), resamples=resamples, groups=people)
        rows.append({"encoder": name} | dict(zip(("r2", "r2_low", "r2_high"), interval, strict=True)))
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
    return [[each[k].cpu().numpy() for each in drawn] for k in range(len(frames))]
