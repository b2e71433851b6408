"""TCA and S-TCA against their equations written out in loops, and what the equations promise."""

import pytest
import torch

from echolib.models.stca import STCA
from echolib.models.tca import TCA, local_maximum
from tests.models.video_features import features


def written_out_gate(x, module):
    """Eq. 1, one number after another."""
    batch, channels, length, height, width = x.shape
    reach = module.window // 2
    difference = torch.zeros(batch, channels, length, dtype=x.dtype)
    for b in range(batch):
        for c in range(channels):
            for t in range(length):
                near = [x[b, c, s] for s in range(t - reach, t + reach + 1) if 0 <= s < length]
                total = 0.0
                for i in range(height):
                    for j in range(width):
                        values = [float(frame[i, j]) for frame in near]
                        total += max(values) - sum(values) / len(values)
                difference[b, c, t] = total / (height * width)
    hidden = torch.einsum("hc,bct->bht", module.reduce.weight[..., 0], difference).relu()
    return torch.einsum("ch,bht->bct", module.expand.weight[..., 0], hidden).sigmoid()


@pytest.mark.parametrize(("length", "window"), [(1, 3), (2, 3), (5, 3), (5, 1), (4, 5), (2, 5)])
def test_tca_is_eq_1_and_2(length, window):
    torch.manual_seed(0)
    module = TCA(6, reduction=3, window=window).double()
    x = features(2, 6, length, 3, 2)
    gate = written_out_gate(x, module)
    torch.testing.assert_close(module.gate(x), gate)
    torch.testing.assert_close(module(x), x * gate[..., None, None] + x)


def test_the_gradient_of_the_local_maximum():
    x = features(1, 2, 5, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: local_maximum(x, 3), x)


def test_where_several_frames_are_highest_they_share_the_gradient():
    x = torch.ones(1, 1, 4, 1, 1, requires_grad=True)
    local_maximum(x, 3).sum().backward()
    # frame 0 is one of two in its own window and one of three in the next; an inner frame belongs to three windows
    torch.testing.assert_close(
        x.grad.flatten(), torch.tensor([1 / 2 + 1 / 3, 1 / 2 + 2 / 3, 1 / 2 + 2 / 3, 1 / 2 + 1 / 3])
    )


def test_a_compiler_sees_the_same_function(monkeypatch):
    x = features(2, 3, 6, 4, 4).requires_grad_()
    weight = features(2, 3, 6, seed=1)
    eager = local_maximum(x, 5)
    (gradient,) = torch.autograd.grad((eager * weight).sum(), x)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    plain = local_maximum(x, 5)
    torch.testing.assert_close(plain, eager)
    torch.testing.assert_close(torch.autograd.grad((plain * weight).sum(), x)[0], gradient)


def test_a_static_clip_gives_exactly_one_and_a_half_times_itself():
    x = features(2, 32, 1, 4, 4).float().expand(-1, -1, 6, -1, -1)
    torch.manual_seed(0)
    torch.testing.assert_close(TCA(32)(x), 1.5 * x, rtol=2e-6, atol=0)


def test_motion_changes_the_gate_of_its_own_frames_alone():
    module = TCA(8, reduction=2).double()
    x = features(1, 8, 1, 4, 4).repeat(1, 1, 9, 1, 1)
    x[:, :, 4] += 1 + features(1, 8, 4, 4, seed=1).abs()
    moved = (module.gate(x) - 0.5).abs().amax((0, 1)) > 1e-12
    assert moved.tolist() == [False] * 3 + [True] * 3 + [False] * 3


def test_extra_parameters_and_refused_windows():
    for channels in (64, 128, 256, 512):
        assert sum(p.numel() for p in TCA(channels).parameters()) == channels**2 // 8
    assert TCA(8).reduce.out_channels == 4  # narrow networks keep the hidden units of the narrowest published stage
    with pytest.raises(ValueError, match="odd number of frames, not 4"):
        TCA(16, window=4)


def test_stca_gates_by_the_masked_features_and_excites_all():
    torch.manual_seed(0)
    module = STCA(6, reduction=2).double()
    x, mask = features(2, 6, 4, 3, 3), features(2, 1, 3, 3, seed=1).sigmoid()
    gate = written_out_gate(x * mask[:, :, None], module)
    torch.testing.assert_close(module(x, mask), x * gate[..., None, None] + x)
    torch.testing.assert_close(module(x, torch.ones_like(mask)), TCA.forward(module, x))
    torch.testing.assert_close(module(x, torch.zeros_like(mask)), 1.5 * x)
