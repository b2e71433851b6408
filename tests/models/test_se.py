"""Squeeze and excitation against its equation."""

import torch

from echolib.models.se import SE
from tests.models.video_features import features


def test_se_squeezes_space_and_time():
    torch.manual_seed(0)
    module = SE(6, reduction=3).double()
    x = features(2, 6, 4, 3, 3)
    for b in range(2):
        squeezed = torch.stack([x[b, c].mean() for c in range(6)])
        hidden = (module.reduce.weight @ squeezed + module.reduce.bias).clamp(min=0)
        scale = 1 / (1 + torch.exp(-(module.expand.weight @ hidden + module.expand.bias)))
        torch.testing.assert_close(module(x)[b], torch.stack([x[b, c] * scale[c] for c in range(6)]))
