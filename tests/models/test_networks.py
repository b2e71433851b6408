"""Networks: published parameter counts, names and shapes; any width; weights that load, or the word why not."""

import pickle

import pytest
import torch
from torch import nn
from torchvision.models import video
from torchvision.models.segmentation import deeplabv3_resnet50

from echolib.models.segmentation import PUBLISHED_RATES, DeepLabV3, UNet, rates_at, segmentation_network
from echolib.models.video import KINETICS, ef_regressor, load_kinetics, video_encoder
from echolib.models.width import scaled_channels


def count(network) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("network", "parameters"), [("r2plus1d_18", 31_300_638), ("r3d_18", 33_166_785), ("mc3_18", 11_490_753)]
)
def test_full_size_video_networks_are_the_published_ones(network, parameters):
    with torch.device("meta"):
        ours = video_encoder(network)
        theirs = video.__dict__[network](num_classes=1)
    assert count(ours) == parameters
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}


def test_full_size_segmentation_networks_are_the_published_ones():
    with torch.device("meta"):
        deeplab, unet = DeepLabV3(), UNet()
        theirs = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=1)
    assert count(deeplab) == 39_633_729
    assert deeplab.state_dict().keys() == theirs.state_dict().keys()
    assert count(unet) == 17_267_393


def test_full_width_deeplab_computes_what_torchvisions_does():
    theirs = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=1).eval()
    ours = DeepLabV3().eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(1, 3, 40, 48)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images)["out"])


def test_narrow_temporal_convolutions_are_dilated_in_name_only():
    model = video_encoder("r2plus1d_18", 8, 1).eval()
    temporal = [each for each in model.modules() if isinstance(each, nn.Conv3d) and each.kernel_size == (3, 1, 1)]
    assert len(temporal) == 9
    assert {each.dilation for each in temporal} == {(1, 2, 2)}
    clips = torch.randn(2, 3, 9, 32, 32)
    with torch.no_grad():
        found = model(clips)
        for each in temporal:
            each.dilation = (1, 1, 1)
        torch.testing.assert_close(found, model(clips))


@pytest.mark.parametrize("network", list(KINETICS))
@pytest.mark.parametrize(("width", "blocks"), [(4, 1), (8, 2)])
def test_narrow_video_networks_keep_names_and_learn(network, width, blocks):
    model = ef_regressor(network, width, blocks)
    out = model(torch.randn(2, 3, 8, 32, 32))
    assert out.shape == (2, 1)
    with torch.no_grad():
        assert model.fc(torch.zeros(1, model.fc.in_features)).item() == pytest.approx(55.6)
    assert model.layer1[0].conv2[1].num_features == width
    assert len(model.layer4) == blocks
    out.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    with torch.device("meta"):
        assert set(model.state_dict()) <= set(video_encoder(network).state_dict())


@pytest.mark.parametrize("make", [DeepLabV3, UNet])
def test_segmenters_give_a_logit_a_class_at_the_input_size(make):
    model = make(classes=4, width=4)
    out = model(torch.randn(2, 3, 50, 38))
    assert out.shape == (2, 4, 50, 38)
    out.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_widths_scale_but_colours_stay():
    assert [scaled_channels(c, 16) for c in (1, 3, 45, 64, 2048)] == [1, 3, 11, 16, 512]


def hub_file(monkeypatch, tmp_path, weights):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return folder / weights.url.rsplit("/", 1)[1]


def test_kinetics_weights_are_loaded_from_the_hub_cache(monkeypatch, tmp_path):
    path = hub_file(monkeypatch, tmp_path, KINETICS["mc3_18"])
    published = video.mc3_18(num_classes=400)
    torch.save(published.state_dict(), path)
    model = ef_regressor("mc3_18")
    head = model.fc.weight.clone()
    assert load_kinetics(model, "mc3_18") == "MC3_18_Weights.KINETICS400_V1"
    assert torch.equal(model.stem[0].weight, published.stem[0].weight)
    assert torch.equal(model.fc.weight, head)  # ours, not the 400 actions'


def test_weights_that_do_not_fit_leave_the_network_as_it_was(monkeypatch, tmp_path):
    path = hub_file(monkeypatch, tmp_path, KINETICS["mc3_18"])
    torch.save(video.mc3_18(num_classes=400).state_dict(), path)
    model = ef_regressor("mc3_18", width=8)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    assert load_kinetics(model, "mc3_18").startswith("random: MC3_18_Weights.KINETICS400_V1 fit the full-size")
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_weights_out_of_reach_are_said_so(monkeypatch, tmp_path):
    from urllib.error import URLError

    hub_file(monkeypatch, tmp_path, KINETICS["mc3_18"])

    def offline(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    assert "not available" in load_kinetics(ef_regressor("mc3_18"), "mc3_18")


def test_pickled_code_in_published_weights_is_refused(monkeypatch, tmp_path):
    path = hub_file(monkeypatch, tmp_path, KINETICS["mc3_18"])

    class Malicious:
        def __reduce__(self):
            return (type(tmp_path).touch, (tmp_path / "owned",))

    torch.save({"stem.0.weight": Malicious()}, path)
    with pytest.raises(pickle.UnpicklingError):
        load_kinetics(ef_regressor("mc3_18"), "mc3_18")
    assert not (tmp_path / "owned").exists()


def test_the_pyramid_s_rates_grow_with_the_map():
    assert rates_at(224) == PUBLISHED_RATES == (12, 24, 36)
    assert rates_at(112) == (6, 12, 18) and rates_at(64) == (3, 7, 10)
    for rates in (PUBLISHED_RATES, rates_at(64)):
        network = segmentation_network("deeplabv3_resnet50", width=8, rates=rates)
        branches = [branch[0] for branch in network.classifier[0].convs[1:4]]
        assert [(conv.dilation[0], conv.padding[0]) for conv in branches] == [(rate, rate) for rate in rates]


def test_at_scaled_rates_whole_kernels_lie_on_a_small_map():
    """On 8 x 8 cells the published first branch sees its middle tap alone; the scaled one sees its neighbours."""
    reached = {}
    for name, rates in (("published", PUBLISHED_RATES), ("scaled", rates_at(64))):
        torch.manual_seed(0)
        pyramid = segmentation_network("deeplabv3_resnet50", width=8, rates=rates).eval().classifier[0]
        branch = pyramid.convs[1][0]
        maps = torch.zeros(1, branch.in_channels, 8, 8, requires_grad=True)
        branch(maps)[0, :, 4, 4].sum().backward()
        reached[name] = int((maps.grad.abs().sum(1) > 0).sum())
    assert reached == {"published": 1, "scaled": 9}


def test_given_the_published_rates_it_is_torchvision_s_network():
    torch.manual_seed(0)
    ours = segmentation_network("deeplabv3_resnet50", width=64).eval()
    theirs = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=1).eval()
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images)["out"])
