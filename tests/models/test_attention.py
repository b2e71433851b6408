"""TCA, S-TCA, SE and ME against their equations written out in loops, and what the equations promise."""

import pytest
import torch

from echolib.models import ME, SE, STCA, TCA
from echolib.models.attention import attend, attention_modules, local_maximum
from echolib.models.video import STAGES, video_encoder


def features(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


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


def test_se_squeezes_space_and_time():
    torch.manual_seed(0)
    module = SE(6, reduction=3).double()
    x = features(2, 6, 4, 3, 3)
    for b in range(2):
        squeezed = torch.stack([x[b, c].mean() for c in range(6)])
        hidden = (module.reduce.weight @ squeezed + module.reduce.bias).clamp(min=0)
        scale = 1 / (1 + torch.exp(-(module.expand.weight @ hidden + module.expand.bias)))
        torch.testing.assert_close(module(x)[b], torch.stack([x[b, c] * scale[c] for c in range(6)]))


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


@pytest.mark.parametrize(
    ("place", "stages", "count"), [("stage", STAGES, 4), ("block", STAGES, 8), ("stage", ("layer2",), 1)]
)
def test_places(place, stages, count):
    with torch.device("meta"):
        encoder = video_encoder("r2plus1d_18")
        attend(encoder, TCA, stages, place)
    found = attention_modules(encoder)
    assert len(found) == count
    channels = {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}
    assert all(module.reduce.in_channels == channels[name.split(".")[0]] for name, module in found.items())


@pytest.mark.parametrize("network", ["r2plus1d_18", "r3d_18", "mc3_18"])
@pytest.mark.parametrize("make", [TCA, SE, ME])
def test_every_network_takes_every_attention(network, make):
    encoder = video_encoder(network, width=4, blocks=1)
    names = set(dict(encoder.named_parameters()))
    attend(encoder, make)
    assert names <= set(dict(encoder.named_parameters()))  # published weights keep their names
    encoder(torch.randn(2, 3, 8, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())
