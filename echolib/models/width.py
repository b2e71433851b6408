"""Published networks at other widths by one rule, so that a laptop runs the same rows of a table."""

from collections.abc import Callable

import torch
from torch import nn

FULL_WIDTH = 64  # channels of the first stage of every ResNet here


def scaled_channels(channels: int, width: int) -> int:
    """Channels of a layer when the first stage has `width` instead of 64; the three colour channels stay."""
    return channels if channels <= 3 else max(2, round(channels * width / FULL_WIDTH))


def scaled_network(build: Callable[[], nn.Module], width: int) -> nn.Module:
    """The network that `build` makes, with all inner channels scaled by width/64, freshly initialised.

    At width 64 it is that very network. Names of modules and parameters never change, so code and weights that know
    the published network know this one. Colour channels and final layers (one logit, one EF) keep their size.
    """
    if width == FULL_WIDTH:
        return build()
    with torch.device("meta"):
        network = build()
    for name, module in list(network.named_modules()):
        scaled = _scaled_layer(module, width)
        if scaled is not None:
            network.set_submodule(name, scaled)
    return network


def _scaled_layer(module: nn.Module, width: int) -> nn.Module | None:
    """The counterpart, at another width, of a convolution, normalisation or linear layer; None for anything else."""
    bias = getattr(module, "bias", None) is not None
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        if module.groups != 1:
            raise NotImplementedError("grouped convolutions are not scaled")
        kind = nn.Conv3d if isinstance(module, nn.Conv3d) else nn.Conv2d  # torchvision subclasses them
        scaled = kind(
            scaled_channels(module.in_channels, width),
            scaled_channels(module.out_channels, width),
            module.kernel_size,
            module.stride,
            module.padding,
            _fast_dilation(module),
            bias=bias,
        )
        nn.init.kaiming_normal_(scaled.weight, mode="fan_out", nonlinearity="relu")
        if bias:
            nn.init.zeros_(scaled.bias)
        return scaled
    if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
        return type(module)(scaled_channels(module.num_features, width), module.eps, module.momentum)
    if isinstance(module, nn.Linear):
        return nn.Linear(scaled_channels(module.in_features, width), module.out_features, bias)
    return None


def _fast_dilation(convolution: nn.Conv2d | nn.Conv3d) -> tuple[int, ...]:
    """The dilation of a convolution's counterpart: its own, but twofold within the frame for a temporal kernel, which
    has one pixel there and computes the same at any. On one CPU thread PyTorch is slow on those not dilated."""
    if convolution.kernel_size[-2:] == (1, 1) and len(convolution.kernel_size) == 3:
        return (convolution.dilation[0], 2, 2)
    return convolution.dilation
