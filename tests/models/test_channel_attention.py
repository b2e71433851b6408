"""Attention put into every video encoder, at every depth."""

import pytest
import torch

from echolib.models import ME, SE, TCA
from echolib.models.channel_attention import attention_modules, insert_attention
from echolib.models.video import STAGES, video_encoder


@pytest.mark.parametrize(
    ("insert_after", "stages", "count"), [("stage", STAGES, 4), ("block", STAGES, 8), ("stage", ("layer2",), 1)]
)
def test_where_attention_is_inserted(insert_after, stages, count):
    with torch.device("meta"):
        encoder = video_encoder("r2plus1d_18")
        insert_attention(encoder, TCA, stages, insert_after)
    found = attention_modules(encoder)
    assert len(found) == count
    channels = {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}
    assert all(module.reduce.in_channels == channels[name.split(".")[0]] for name, module in found.items())


@pytest.mark.parametrize("network", ["r2plus1d_18", "r3d_18", "mc3_18"])
@pytest.mark.parametrize("make", [TCA, SE, ME])
def test_every_network_takes_every_attention(network, make):
    encoder = video_encoder(network, width=4, blocks=1)
    names = set(dict(encoder.named_parameters()))
    insert_attention(encoder, make)
    assert names <= set(dict(encoder.named_parameters()))  # published weights keep their names
    encoder(torch.randn(2, 3, 8, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())
