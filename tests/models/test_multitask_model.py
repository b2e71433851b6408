"""The shared encoder and its two branches: sizes, rivals, who learns from which loss, what it starts from."""

import pytest
import timm
import torch

from echolib.models import MultiTask, pretrained
from echolib.models.multitask import DECODER, IMAGENET, KEYPOINT_HEAD, efficientnet_features


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def images(count=2, size=64, channels=3):
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(0))


def convolution(inputs, outputs):
    """3 x 3 without bias, and its batch normalisation."""
    return 9 * inputs * outputs + 2 * outputs


def test_full_size_parameters_and_shapes():
    with torch.device("meta"):
        model = MultiTask(structures=3, keypoints=4)
        masks, maps = model.eval()(torch.zeros(2, 1, 256, 256))
    assert masks.shape == (2, 3, 256, 256) and maps.shape == (2, 4, 64, 64)
    channels = [16, 24, 40, 112, 320]
    assert model.encoder.feature_info.channels() == channels
    assert (
        parameters(model.encoder) == 3_595_388
    )  # EfficientNet-B0's 5,288,548 less its last convolution and classifier
    below, skips, decoder = 320, [112, 40, 24, 16, 0], 0
    for skip, width in zip(skips, DECODER, strict=True):
        decoder, below = decoder + convolution(below + skip, width) + convolution(width, width), width
    assert parameters(model.segmentation) == decoder + 9 * 16 * 3 + 3
    head = sum(convolution(a, b) for a, b in zip((320, *KEYPOINT_HEAD), KEYPOINT_HEAD, strict=False))
    lateral = sum(a * b + 2 * b for a, b in zip((112, 40, 24), KEYPOINT_HEAD, strict=True))  # 1 x 1, normalised
    assert parameters(model.keypoints) == head + lateral + 128 * 4 + 4


@pytest.mark.parametrize("variant", ["tf_efficientnet_b0", "efficientnet_b0"])
def test_a_narrow_encoder_is_the_same_network_with_fewer_channels(variant):
    full, other = efficientnet_features(variant), efficientnet_features(variant, 16)
    assert list(full.state_dict()) == list(other.state_dict())
    assert [m.stride for m in full.modules() if isinstance(m, torch.nn.Conv2d)] == [
        m.stride for m in other.modules() if isinstance(m, torch.nn.Conv2d)
    ]
    kinds = [[(type(m), getattr(m, "eps", None)) for m in net.modules()] for net in (full, other)]
    assert kinds[0] == kinds[1]
    assert [tuple(each.shape[1:]) for each in other(images(1))] == [
        (8, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4), (80, 2, 2)
    ]  # fmt: skip


def test_single_tasks_are_the_whole_less_a_branch():
    whole = MultiTask(width=8)
    segmentation, keypoints = (MultiTask(width=8, single_task=task) for task in ("segmentation", "keypoints"))
    for rival in (segmentation, keypoints):
        assert {n: t.shape for n, t in rival.encoder.state_dict().items()} == {
            n: t.shape for n, t in whole.encoder.state_dict().items()
        }
    assert parameters(whole) == parameters(segmentation) + parameters(keypoints) - parameters(whole.encoder)
    segmentation.load_state_dict({n: t for n, t in whole.state_dict().items() if not n.startswith("keypoints.")})
    keypoints.load_state_dict({n: t for n, t in whole.state_dict().items() if not n.startswith("segmentation.")})
    both, masks, maps = (model.eval()(images()) for model in (whole, segmentation, keypoints))
    assert torch.equal(both.masks, masks.masks) and masks.maps is None
    assert torch.equal(both.maps, maps.maps) and maps.masks is None


@pytest.mark.parametrize("branch", ["segmentation", "keypoints"])
def test_either_loss_teaches_the_encoder_and_its_own_branch_alone(branch):
    model = MultiTask(width=8)
    masks, maps = model(images(4))
    (masks if branch == "segmentation" else maps).square().mean().backward()
    other = "keypoints" if branch == "segmentation" else "segmentation"
    for name, p in model.named_parameters():
        assert (p.grad is None) == name.startswith(other + "."), name
        assert p.grad is None or bool(p.grad.abs().max() > 0), name


def test_a_grey_channel_is_repeated_and_odd_sizes_are_refused():
    model = MultiTask(width=8).eval()
    grey = images(1, channels=1)
    assert torch.equal(model(grey).masks, model(grey.repeat(1, 3, 1, 1)).masks)
    with pytest.raises(ValueError, match="80 x 80 pixels: both have to be multiples of 32"):
        model(images(1, size=80))


def test_masks_and_maps_move_with_the_image():
    """A shift by the encoder's stride moves what lies far from the borders by as much: nothing knows its place."""
    torch.manual_seed(0)
    model = MultiTask("efficientnet_b0", width=8, structures=1, keypoints=1).eval()
    for name, module in model.encoder.named_modules():
        if name.endswith("se"):  # squeeze and excitation sees the whole image
            module.forward = lambda maps: maps
    picture = torch.zeros(1, 1, 320, 320)
    picture[..., 140:150, 150:160] = 1
    with torch.no_grad():
        here, there = model(picture), model(picture.roll(32, -1))
    middle = slice(128, 192)
    torch.testing.assert_close(here.masks[..., middle, middle], there.masks[..., middle, 160:224], atol=1e-4, rtol=1e-3)
    middle = slice(32, 48)
    torch.testing.assert_close(here.maps[..., middle, middle], there.maps[..., middle, 40:56], atol=1e-4, rtol=1e-3)


@pytest.fixture
def timms(monkeypatch):
    """timm's `create_model`, with published weights that are here (made up) or not."""
    create, asked = timm.create_model, []

    def replace(error=None):
        def made(name, pretrained=False, **options):
            asked.extend([name] if pretrained else [])
            if pretrained and error:
                raise error
            return create(name.split(".")[0], **options)

        monkeypatch.setattr(timm, "create_model", made)
        return asked

    pretrained._fetched.cache_clear()
    yield replace
    pretrained._fetched.cache_clear()


def test_published_weights_are_loaded_whole(timms):
    asked = timms()
    torch.manual_seed(1)
    model = MultiTask()
    assert model.load_imagenet() == "timm tf_efficientnet_b0.in1k" and asked == ["tf_efficientnet_b0.in1k"]
    state = pretrained._fetched(IMAGENET["tf_efficientnet_b0"])
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.encoder.state_dict().items())


def test_weights_that_cannot_be_had_are_said(timms):
    asked = timms(FileNotFoundError("no network"))
    before = (model := MultiTask("efficientnet_b0")).encoder.conv_stem.weight.clone()
    words = [model.load_imagenet() for _ in range(2)]
    assert words[0] == words[1] and words[0].startswith("random: efficientnet_b0.ra_in1k not available (FileNotFound")
    assert asked == ["efficientnet_b0.ra_in1k"]  # once
    assert torch.equal(model.encoder.conv_stem.weight, before)
    assert MultiTask(width=8).load_imagenet() == "random: tf_efficientnet_b0.in1k fits the full-size network only"
    assert len(asked) == 1


def test_the_names_of_the_published_weights_are_known_to_timm():
    assert {timm.is_model_pretrained(name) for name in IMAGENET.values()} == {True}
