"""Encoders, heads and targets of contrastive pretraining: sizes, names that carry over, what follows what."""

import pytest
import torch

from echolib.models.byol import BYOL, target_momentum
from echolib.models.encoder_transfer import load_encoder
from echolib.models.image_encoder import Encoder
from echolib.models.segmentation import UNet, segmentation_network
from echolib.models.simclr import SimCLR


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def images(count=2, size=32):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_published_sizes():
    with torch.device("meta"):
        assert parameters(UNet()) == 17_267_393
        deep, u = SimCLR("deeplabv3_resnet50"), SimCLR("unet")
        assert parameters(deep.head) == 2048 * 2048 + 2048 + 2 * 2048 + 2048 * 128
        assert [layer.out_features for layer in u.head if isinstance(layer, torch.nn.Linear)] == [512, 128]
        learner = BYOL("deeplabv3_resnet50")
        widths = [layer.out_features for layer in learner.online[1] if isinstance(layer, torch.nn.Linear)]
        assert widths == [4096, 256] and learner.predictor[0].bias is None and learner.predictor[3].bias is not None


@pytest.mark.parametrize("network", ["deeplabv3_resnet50", "unet"])
@pytest.mark.parametrize("kind", [SimCLR, BYOL])
def test_a_pretrained_encoder_carries_over(network, kind):
    torch.manual_seed(0)
    pretrained, whole = kind(network, width=8), segmentation_network(network, width=8)
    before = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    load_encoder(whole, pretrained.state_dict())
    part = whole.backbone if network.startswith("deep") else whole.down
    own = pretrained.encoder.backbone if network.startswith("deep") else pretrained.encoder.down
    for name, tensor in own.state_dict().items():
        assert torch.equal(part.state_dict()[name], tensor)
    rest = [name for name in before if not name.startswith(("backbone.", "down."))]
    assert rest and all(torch.equal(whole.state_dict()[name], before[name]) for name in rest)


def test_the_encoder_is_that_of_the_segmentation_network():
    torch.manual_seed(0)
    encoder, whole = Encoder("unet", width=8).eval(), segmentation_network("unet", width=8).eval()
    load_encoder(whole, {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()})
    torch.testing.assert_close(encoder(images()), whole.encode(images())[-1].mean((2, 3)))
    assert encoder(images()).shape == (2, encoder.features)


def test_the_released_backbone_has_stride_32_and_the_same_parameters():
    dilated, plain = (Encoder("deeplabv3_resnet50", 8, flag).eval() for flag in (True, False))
    shapes = [{name: tuple(t.shape) for name, t in each.state_dict().items()} for each in (dilated, plain)]
    assert shapes[0] == shapes[1]
    sizes = [tuple(each.backbone(images(1, 64))["out"].shape[-2:]) for each in (dilated, plain)]
    assert sizes == [(8, 8), (2, 2)]


def test_the_target_follows_by_its_parameters_alone():
    torch.manual_seed(0)
    learner = BYOL("unet", width=8)
    with torch.no_grad():
        for p in learner.online.parameters():
            p.add_(1)
        for name, buffer in learner.online.named_buffers():
            if name.endswith("running_mean"):
                buffer.add_(5)
    before = {name: t.clone() for name, t in learner.target.state_dict().items()}
    learner.update_target(0.9)
    online, changed = learner.online.state_dict(), dict(learner.target.named_parameters())
    for name, tensor in learner.target.state_dict().items():
        if name in changed:
            torch.testing.assert_close(tensor, 0.9 * before[name] + 0.1 * online[name])
        else:
            assert torch.equal(tensor, before[name])
    assert not any(p.requires_grad for p in learner.target.parameters())
    learner(images()).sum().backward()
    assert all(p.grad is None for p in learner.target.parameters())


def test_momentum_rises_from_its_base_to_one():
    assert target_momentum(0) == pytest.approx(0.996) and target_momentum(1) == 1
    assert target_momentum(0.5) == pytest.approx(0.998)
    values = [target_momentum(k / 20) for k in range(21)]
    assert values == sorted(values)
