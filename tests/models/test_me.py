"""Motion excitation against its equation."""

import pytest
import torch

from echolib.models.me import ME
from tests.models.video_features import features


@pytest.mark.parametrize(("gate", "low"), [("paper", -1.0), ("released", -0.5)])
def test_me_is_what_a_frame_adds_to_the_one_before(gate, low):
    torch.manual_seed(0)
    module = ME(6, reduction=3, gate=gate).double().eval()
    x = features(2, 6, 4, 5, 5)
    reduced, motion = module.reduce(x), torch.zeros(2, 4, 4, dtype=x.dtype)
    kernel = module.channelwise.weight[:, 0, 0]
    for b in range(2):
        for c in range(4):
            for t in range(3):
                padded = torch.nn.functional.pad(reduced[b, c, t + 1], (1, 1, 1, 1))
                convolved = torch.stack(
                    [
                        torch.stack([(padded[i : i + 3, j : j + 3] * kernel[c]).sum() for j in range(5)])
                        for i in range(5)
                    ]
                )
                motion[b, c, t] = (convolved - reduced[b, c, t]).mean()
    share = torch.sigmoid(module.expand(motion))
    expected = 2 * share - 1 if gate == "paper" else share - 0.5
    torch.testing.assert_close(module.gate(x), expected)
    torch.testing.assert_close(module(x), x + x * expected[..., None, None])
    assert float(module.gate(1e3 * x).detach().min()) >= low
