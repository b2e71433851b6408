"""EchoMEN's first stage: EF by squared error and the label-distance weighted contrastive loss (Lai et al. 2024)."""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor

from echolib.data.loaders.clips import EFVideos
from echolib.losses.label_pairs import bin_labels
from echolib.losses.ldw_supcon import ldw_supcon
from echolib.shapes import Embeddings, Labels, Scalar, VideoLabels
from echolib.tasks.contrastive_ef import ContrastiveEF

RANK_SCALE = 300.0  # twice AdaCon's scale factor of 150: mid-ranks of N videos are brought to 0 to 300


class LDWSupConEF(ContrastiveEF):
    """Squared error plus `contrast_weight` times Eq. 1 (Lai et al. 2024, Sec. 2.1). Labels in one bin of `bin_width`
    EF points are positives.

    distance "l1" or "l2" is of EF / `label_scale`. "mid_rank" is 300 |R_i - R_j| / N with R the mid-rank of a video's
    bin among the N training videos: the public code that the released scripts follow has it so (AdaCon). "none" gives
    every negative the weight 1: what is left of the loss without its weights.
    """

    temperature: float = 0.1
    distance: Literal["l1", "l2", "mid_rank", "none"] = "l1"
    label_scale: PositiveFloat = 100.0  # EF points that make a distance of 1
    denominator: Literal["negatives", "all"] = "negatives"
    reduction: Literal["mean", "sum"] = "mean"
    bin_width: float = 1.0

    def compared_labels(self, videos: EFVideos) -> VideoLabels:
        label = bin_labels(videos.ef, self.bin_width).to(videos.ef.dtype)
        if self.distance != "mid_rank":
            return label
        train = label[videos.of_split["train"]]
        return mid_ranks(label, train) * (RANK_SCALE / len(train))

    def contrast(self, embeddings: Embeddings, labels: Labels) -> Scalar:
        return ldw_supcon(
            F.normalize(embeddings, dim=1),
            labels,
            temperature=self.temperature,
            distance="l1" if self.distance == "mid_rank" else self.distance,
            label_scale=1.0 if self.distance == "mid_rank" else self.label_scale / self.bin_width,
            denominator=self.denominator,
            reduction=self.reduction,
        )


def mid_ranks(labels: Tensor, population: Tensor) -> Tensor:
    """The mean rank, from 1, that labels (videos,) have or would have in a population (N,), ties sharing theirs."""
    ordered = population.sort().values.contiguous()
    below = torch.searchsorted(ordered, labels.contiguous())
    upto = torch.searchsorted(ordered, labels.contiguous(), right=True)
    return (below + upto + 1).to(labels.dtype) / 2
