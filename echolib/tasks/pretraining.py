"""Self-supervised pretraining of a segmentation network's encoder on frames without labels, whatever the loss."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from echolib.data.loaders.unlabelled import Unlabelled, unlabelled_frames
from echolib.data.sampling import passes
from echolib.data.selection import DataSelection, Dataset
from echolib.data.views import views
from echolib.engine.task import Parent, Tables, Task
from echolib.metrics.embeddings import spread
from echolib.models.segmentation import SegmentationNetwork
from echolib.shapes import Embeddings, Images, Items, ViewPairs

VALIDATION_SEED = 0
VALIDATION_BATCH = 64


class Pretraining(Task):
    """Two views of a frame are to look alike to the encoder (Saeed et al. 2022, Sec. 3.2); a subclass says by which
    network and loss.

    keep: the epoch of the lowest validation loss, or the last one.

    Of each video of EchoNet-Dynamic, and of each sequence of CAMUS, one frame strictly between ED and ES is drawn at
    each access. Where the selection has CAMUS's ED and ES images instead, they are drawn without their masks.

    items_per_epoch: how many an epoch sees, by going through all of them again and again; None for each once.
    """

    headline: ClassVar[tuple[str, ...]] = ("val_loss",)
    network: SegmentationNetwork = "deeplabv3_resnet50"
    width: int = 64
    size: int = 224
    dilated: bool = True
    items_per_epoch: PositiveInt | None = None
    keep: Literal["lowest_loss", "last"]

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> Unlabelled:
        (dataset,) = datasets.values()
        return unlabelled_frames(dataset, self.size, device)

    def build(self, data: Unlabelled, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        return self.make_network(), "random"

    def make_network(self) -> nn.Module:
        """Encoder and heads with random weights; the former under the name `encoder`."""
        raise NotImplementedError

    def embeddings(self, model: nn.Module, images: Images) -> Embeddings:
        """What the loss compares views by: images -> (batch, D)."""
        raise NotImplementedError

    def training_items(self, data: Unlabelled) -> int:
        return len(data.of_split["train"])

    def epoch(self, data: Unlabelled, batch_size: int, generator: torch.Generator) -> Iterator[Items]:
        if self.items_per_epoch is None:
            return super().epoch(data, batch_size, generator)
        return iter(passes(self.training_items(data), self.items_per_epoch, generator).split(batch_size))

    def names(self, data: Unlabelled, items: Items) -> list[str]:
        return [data.names[k] for k in data.of_split["train"][items].tolist()]

    def batch(self, data: Unlabelled, items: Items, generator: torch.Generator) -> ViewPairs:
        """Two views of a frame of each item: (2, batch, 3, size, size)."""
        return self._two_views(data, data.of_split["train"][items], generator)

    def _two_views(self, data: Unlabelled, items: Items, generator: torch.Generator) -> ViewPairs:
        frames = data.draw(items, generator)
        return torch.stack([data.network_input(views(frames, generator)) for _ in range(2)])

    def validate(self, model: nn.Module, data: Unlabelled) -> dict[str, float]:
        """The loss on the validation split in batches of up to 64, the same frames and views at every epoch."""
        generator = torch.Generator(data.pixels.device).manual_seed(VALIDATION_SEED)
        items, losses = data.of_split["val"], []
        sizes = validation_batches(len(items))
        for part in items[: sum(sizes)].split(sizes):
            losses.append(float(self.loss(model, self._two_views(data, part, generator))))
        return {"loss": float(np.average(losses, weights=sizes))}

    def is_better(self, loss: float, best: float) -> bool:
        return self.keep == "last" or super().is_better(loss, best)

    def predict(self, model: nn.Module, data: Unlabelled) -> Tables:
        """predictions: the pooled features of one frame of each validation item, f0 on, and its name; of all together
        the validation loss, and how widely the embeddings on which the loss compares them are spread (`spread`)."""
        items = data.of_split["val"]
        generator = torch.Generator(data.pixels.device).manual_seed(VALIDATION_SEED)
        frames = data.draw(items, generator)
        images = data.network_input(frames.unsqueeze(1).float() / 255)
        features = model.encoder(images).float().cpu().numpy()
        table = pd.DataFrame(features, columns=[f"f{k}" for k in range(features.shape[1])])
        table.insert(0, "name", [data.names[k] for k in items.tolist()])
        table["val_loss"] = self.validate(model, data)["loss"]
        table["spread"] = spread(self.embeddings(model, images).float())
        return {"predictions": table}

    def metrics(self, tables: Tables) -> dict[str, float]:
        return {name: float(tables["predictions"][name].iloc[0]) for name in ("val_loss", "spread")}

    def expected_items(self, selection: DataSelection) -> int:
        return self.items_per_epoch or selection.expected_items()

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        with torch.device(device):
            return self.make_network(), (torch.zeros(2, 3, self.size, self.size),)


def validation_batches(items: int) -> list[int]:
    """Sizes of the batches of a validation split; a last one of one item, which has no negatives, is left out."""
    sizes = [min(VALIDATION_BATCH, items - first) for first in range(0, items, VALIDATION_BATCH)]
    return sizes[:-1] if len(sizes) > 1 and sizes[-1] == 1 else sizes
