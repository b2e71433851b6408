"""The two modules that the attention benchmark compares are the same function with the same gradients."""

import pytest
import torch

from echolib.models import TCA
from tests.benchmarks.channel_attention import Pooled


@pytest.mark.benchmark
@pytest.mark.parametrize("window", [3, 5])
def test_both_modules_are_one_function(window):
    torch.manual_seed(0)
    ours = TCA(32, reduction=4, window=window).double()
    x = torch.randn(2, 32, 7, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 32, 7, 4, 4, dtype=torch.float64)
    results = [
        (out, torch.autograd.grad((out * weight).sum(), [x, *ours.parameters()]))
        for out in (module(x) for module in (ours, Pooled(ours)))
    ]
    torch.testing.assert_close(results[0], results[1])
