"""What attention modules on the channels of video features share, and how they are put into a video encoder."""

from collections.abc import Callable
from typing import Literal

from torch import nn

from echolib.models.video import STAGES

MIN_HIDDEN = 4


class ChannelAttention(nn.Module):
    """Takes and gives features X (batch, C, T, H, W), whose channels it excites."""


def hidden_channels(channels: int, reduction: int) -> int:
    """C / r, at least the 4 of a published encoder's first stage: a single unit behind a ReLU is often never on."""
    return max(MIN_HIDDEN, channels // reduction)


def insert_attention(
    encoder: nn.Module,
    make: Callable[[int], nn.Module],
    stages: tuple[str, ...] = STAGES,
    insert_after: Literal["stage", "block"] = "stage",
) -> None:
    """Puts make(channels) after the named stages of a video encoder, or after each of their residual blocks.

    Published weights are to be loaded before: blocks change their numbers.
    """
    for stage in stages:
        blocks = list(getattr(encoder, stage))
        channels = _output_channels(blocks[-1])
        attended: list[nn.Module] = []
        for number, block in enumerate(blocks, 1):
            attended.append(block)
            if insert_after == "block" or number == len(blocks):
                attended.append(make(channels))
        setattr(encoder, stage, nn.Sequential(*attended))


def _output_channels(block: nn.Module) -> int:
    """Channels that a residual block gives: those of its last batch normalisation on the main path."""
    return [m for m in block.conv2.modules() if isinstance(m, nn.BatchNorm3d)][-1].num_features


def attention_modules(encoder: nn.Module) -> dict[str, nn.Module]:
    """The attention modules of an encoder by their names in it, in the order in which a clip passes them."""
    return {name: module for name, module in encoder.named_modules() if isinstance(module, ChannelAttention)}
