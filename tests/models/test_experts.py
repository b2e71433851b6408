"""EchoMEN's experts and aggregator: their size, their arithmetic, and which loss reaches what."""

import pytest
import torch

from echolib.models.auxiliary import WithAuxiliary
from echolib.models.experts import MultiExpert, aggregate, top_k
from echolib.models.projection import projection_head
from echolib.models.video import clip_features, ef_regressor


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_the_published_size():
    assert parameters(MultiExpert(512, experts=3)) == 67_590
    assert parameters(projection_head(512, 128)) == 512 * 512 + 512 + 512 * 128 + 128


def test_experts_start_at_the_mean_and_shares_sum_to_one():
    model = MultiExpert(16, experts=4, ef_scale=12.0)
    each, share = model(torch.zeros(5, 16))
    torch.testing.assert_close(each, torch.full((5, 4), 55.6))
    torch.testing.assert_close(share.sum(1), torch.ones(5))


def test_the_aggregators_loss_stops_before_the_experts():
    model = MultiExpert(8, experts=3)
    each, share = model(torch.randn(6, 8, generator=torch.Generator().manual_seed(0)))
    (aggregate(each, share) - 40).square().mean().backward()
    assert model.experts.weight.grad is None
    assert all(float(p.grad.abs().sum()) > 0 for p in model.aggregator.parameters() if p.dim() == 2)


def test_aggregation_and_routing_by_hand():
    each, share = torch.tensor([[40.0, 50.0, 60.0]]), torch.tensor([[0.2, 0.5, 0.3]])
    assert float(aggregate(each, share)) == pytest.approx(51.0)
    torch.testing.assert_close(top_k(share, 1), torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(top_k(share, 2), torch.tensor([[0.0, 0.625, 0.375]]))
    torch.testing.assert_close(top_k(share, 3), share)
    with pytest.raises(ValueError, match="3 experts"):
        top_k(share, 4)


@pytest.mark.parametrize("network", ["r2plus1d_18", "mc3_18"])
def test_features_and_head_make_the_network(network):
    model = WithAuxiliary(ef_regressor(network, width=8, blocks=1), torch.nn.Identity()).eval()
    clips = torch.randn(2, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    assert clip_features(model.network, clips).shape == (2, 64)
    torch.testing.assert_close(model.ejection_fraction(model.features(clips)), model(clips).squeeze(1))
