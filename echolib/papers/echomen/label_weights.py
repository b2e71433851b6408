"""What the label-distance weights of Eq. 2 do to a batch, measured without training anything."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from echolib.losses.label_pairs import bin_labels, positives_and_negatives
from echolib.losses.ldw_supcon import ldw_supcon, log_label_weights
from echolib.tasks.contrastive_ef import EMBEDDING

BATCHES = 20
SEED = 0


def label_weights_table(
    ef: np.ndarray, batch_size: int, scales: Sequence[float], *, bin_width: float = 1.0, temperature: float = 0.1
) -> pd.DataFrame:
    """How far the weights beta of Eq. 2 are from 1 at each label scale: one row per scale.

    Batches of the training videos, two views of each, as stage 1 draws them; the embeddings are random unit vectors, as
    far from what is learnt as can be. sd_log_beta: standard deviation of log beta over all negative pairs; lowest,
    highest: beta; cosine: of the gradient to that with every beta 1, mean over batches.

    ef: (videos,) in percent. The same seed draws the same batches and embeddings for every scale.
    """
    rows = []
    for scale in scales:
        log_beta, cosines = [], []
        for labels, embeddings in _batches(ef, batch_size, bin_width):
            _, negative = positives_and_negatives(labels)
            log_beta.append(log_label_weights(labels, label_scale=scale / bin_width)[negative])
            options = {"label_scale": scale / bin_width, "temperature": temperature, "reduction": "sum"}
            weighted, plain = (_gradient(embeddings, labels, distance=d, **options) for d in ("l1", "none"))
            cosines.append(float(F.cosine_similarity(weighted, plain, dim=0)))
        of_pairs = torch.cat(log_beta)
        lowest, highest = of_pairs.aminmax()
        rows.append(
            {
                "label_scale": scale,
                "sd_log_beta": float(of_pairs.std()),
                "lowest": float(lowest.exp()),
                "highest": float(highest.exp()),
                "cosine": float(np.mean(cosines)),
            }
        )
    return pd.DataFrame(rows)


def _batches(ef: np.ndarray, batch_size: int, bin_width: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Labels (2B,) and embeddings (2B, D) of `BATCHES` batches, float64."""
    generator = torch.Generator().manual_seed(SEED)
    labels = bin_labels(torch.tensor(ef, dtype=torch.float64), bin_width).double()
    for _ in range(BATCHES):
        chosen = torch.randperm(len(labels), generator=generator)[:batch_size].repeat(2)
        yield labels[chosen], torch.randn(len(chosen), EMBEDDING, generator=generator, dtype=torch.float64)


def _gradient(embeddings: Tensor, labels: Tensor, **options) -> Tensor:
    """Of the loss with respect to embeddings before they are normalised: flat (2B D,)."""
    learnt = embeddings.clone().requires_grad_()
    ldw_supcon(F.normalize(learnt, dim=1), labels, **options).backward()
    assert learnt.grad is not None
    return learnt.grad.flatten()
