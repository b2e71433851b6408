"""What EchoMEN's experts do: the weights they learn with, what each predicts, and how few of them would be enough."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.engine.experiment import Result
from echolib.papers.echomen.scores import mae_by_class
from echolib.papers.ef_scores import by_seed
from echolib.tasks.multi_expert import MultiExpertEF


def training_ef(folder: Path) -> np.ndarray:
    """EF in percent (videos,) of the training videos."""
    videos = EchoNetDynamic(folder).videos
    return videos.loc[(videos["split"] == "train") & (videos["traced"] >= 2), "ef_percent"].to_numpy()


def weights_by_expert(folder: Path, task: MultiExpertEF) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """EF (videos,) of the training videos, and their weight (videos,) in the loss of each exponent's expert."""
    ef = training_ef(folder)
    weights = task.expert_weights(torch.tensor(ef, dtype=torch.float32)).numpy()
    powers = [m / max(task.experts - 1, 1) for m in range(task.experts)]
    return ef, {f"p = {power:.2g}": weights[:, m] for m, power in enumerate(powers)}


def expert_predictions(results: Sequence[Result], like: Result | None = None) -> dict[str, np.ndarray]:
    """Each expert, the aggregated prediction, the plain mean and the oracle, which takes the best expert of each video:
    {name: (seeds, videos)}, in the order of `like`'s videos (default the first's)."""
    count = results[0].experiment.task.experts
    label = (like or results[0]).predictions["label"].to_numpy()
    experts = np.stack([by_seed(results, f"expert_{m}", like) for m in range(count)])
    nearest = np.abs(experts - label).argmin(axis=0)[None]
    oracle = np.take_along_axis(experts, nearest, axis=0)[0]
    named = {f"expert {m}": experts[m] for m in range(count)}
    return named | {"mean": experts.mean(axis=0), "aggregated": by_seed(results, like=like), "oracle": oracle}


def routing_table(results: Sequence[Result]) -> pd.DataFrame:
    """Top-k routing: only the k experts of greatest weight run. MAE by class, mean over seeds, and the expert layer's
    share of work."""
    count = results[0].experiment.task.experts
    label = results[0].predictions["label"].to_numpy()
    experts = np.stack([by_seed(results, f"expert_{m}") for m in range(count)], -1)
    weight = np.stack([by_seed(results, f"weight_{m}") for m in range(count)], -1)
    rank = (-weight).argsort(-1, kind="stable").argsort(-1, kind="stable")
    rows = []
    for k in range(1, count + 1):
        kept = weight * (rank < k)
        prediction = (kept * experts).sum(-1) / kept.sum(-1)
        rows.append({"k": k, "experts_run": f"{k} of {count}", **mae_by_class(label, prediction)})
    return pd.DataFrame(rows)
