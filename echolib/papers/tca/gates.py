"""When in the heart cycle TCA's gates open (beyond the paper)."""

from collections import defaultdict

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from echolib.engine.execution import trained_model
from echolib.engine.experiment import Result, RunContext
from echolib.models.channel_attention import attention_modules
from echolib.models.tca import TCA


@torch.no_grad()
def gates_over_time(result: Result, context: RunContext, cycle: pd.DataFrame) -> pd.DataFrame:
    """How open TCA's gates are at each frame of the middle test clips, beside what the heart truly does then.

    cycle: see `with_speed`. Returns name, phase, speed, excitation (the mean over channels of |E - 1/2|, 0 where
    nothing moves) and stage (after which the module stands).
    """
    task = result.experiment.task
    model, data = trained_model(result, context)
    videos = data.of_split["test"]
    starts = task.middle(data, videos)
    recorder = _Recorder(model)
    task.predict_clips(model, data, videos, starts)
    recorder.remove()
    names = data.videos["name"].to_numpy()[videos.cpu()]
    in_clips = _cycle_in_clips(cycle, names, starts.cpu().numpy(), task.clip_length, task.clip_period)
    by_stage = {stage: torch.cat(of_batches).cpu().numpy() for stage, of_batches in recorder.excitation.items()}
    parts = [_at_frames(gate, in_clips, task.clip_length).assign(stage=stage) for stage, gate in by_stage.items()]
    return pd.concat(parts, ignore_index=True)


class _Recorder:
    """Keeps the excitation (clips, T) of each TCA module whenever its network is called: {stage: [of each batch]}."""

    def __init__(self, model: nn.Module) -> None:
        self.excitation: dict[str, list[Tensor]] = defaultdict(list)
        self._hooks = [
            module.register_forward_pre_hook(lambda module, inputs, name=name: self._keep(name, module, inputs[0]))
            for name, module in attention_modules(model).items()
            if type(module) is TCA
        ]

    def _keep(self, name: str, module: TCA, features: Tensor) -> None:
        self.excitation[_stage(name)].append((module.gate(features).float() - 0.5).abs().mean(1))

    def remove(self) -> None:
        """Leaves the network as it was."""
        for hook in self._hooks:
            hook.remove()


def _stage(name: str) -> str:
    """layer1.2 -> stage 1."""
    return name.partition(".")[0].replace("layer", "stage ")


def _cycle_in_clips(
    cycle: pd.DataFrame, names: np.ndarray, starts: np.ndarray, length: int, period: int
) -> pd.DataFrame:
    """Phase and speed at each frame of each clip: name, step, phase, speed."""
    by_video, parts = dict(iter(cycle.groupby("name"))), []
    for name, start in zip(names, starts, strict=True):
        video = by_video[name]
        frames = np.minimum(start + period * np.arange(length), len(video) - 1)
        parts.append(video[["name", "phase", "speed"]].iloc[frames].assign(step=range(length)))
    return pd.concat(parts, ignore_index=True)


def _at_frames(excitation: np.ndarray, in_clips: pd.DataFrame, length: int) -> pd.DataFrame:
    """Gates (clips, T) beside the heart: deep modules see fewer steps, each in the middle of the frames it covers."""
    steps = excitation.shape[1]
    middle = np.minimum(((np.arange(steps) + 0.5) * length / steps).astype(int), length - 1)
    seen = in_clips[in_clips["step"].isin(middle)].reset_index(drop=True)
    return seen.drop(columns="step").assign(excitation=excitation.ravel())
