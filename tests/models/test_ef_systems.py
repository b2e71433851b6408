"""EchoGNN, EchoCoTr, UVT and the Bayesian network: published sizes, shapes, gradients, and what each one promises."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from echolib.models import UVT, EchoCoTr, EchoGNN, GaussianEF, predictive
from echolib.models.bayesian import Predictive
from echolib.models.echocotr import SelfAttention
from echolib.models.echognn import (
    EdgeWeights,
    FrameGraph,
    GraphLayer,
    Perceptron,
    frame_pairs,
    mean_received,
    positional_encoding,
    propagation,
)
from echolib.models.uvt import FrameEncoder, UVTOutput

SMALL = {
    "echognn": lambda: EchoGNN(8, frames=8),
    "echocotr": lambda: EchoCoTr(8, drop_path=0.1),
    "uvt": lambda: UVT(8, size=32, blocks=1, layers=2),
    "bayesian": lambda: GaussianEF("r2plus1d_18", 8, blocks=1),
}


@pytest.fixture(autouse=True)
def one_thread():
    """On tensors this small a second thread costs more than it gives."""
    torch.set_num_threads(1)


def count(network) -> int:
    return sum(p.numel() for p in network.parameters())


def clips(batch=3, frames=8, size=32, seed=0):
    return torch.randn(batch, 3, frames, size, size, generator=torch.Generator().manual_seed(seed))


def small(name: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return SMALL[name]()


def outputs(found) -> tuple[torch.Tensor, ...]:
    return (found,) if isinstance(found, torch.Tensor) else tuple(found)


def settled(network: nn.Module, *inputs: torch.Tensor) -> nn.Module:
    """In evaluation mode, with statistics of batch normalisation as they are after some steps."""
    for _ in range(3):
        network.train()(*inputs)
    return network.eval()


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (EchoGNN, 1_764_695),
        (EchoCoTr, 21_195_713),
        (UVT, 346_871_234),  # published as 346.9 million
        (GaussianEF, 31_300_638 + 513),  # R(2+1)D-18 and the layer of the variance
    ],
)
def test_full_size_networks_have_the_published_number_of_parameters(build, parameters):
    with torch.device("meta"):
        assert count(build()) == parameters


def test_full_size_shapes():
    with torch.device("meta"):
        graph = EchoGNN()(torch.zeros(2, 1, 64, 112, 112))
        assert [tuple(t.shape) for t in graph] == [(2,), (2, 4), (2, 64), (2, 64, 64)]
        cotr, clip = EchoCoTr(), torch.zeros(2, 3, 36, 112, 112)
        assert tuple(cotr.tokens(clip).shape) == (2, 512, 18, 3, 3)
        assert tuple(cotr(clip).shape) == (2, 1)
        cycle = UVT()(torch.zeros(1, 3, 128, 112, 112))
        assert [tuple(t.shape) for t in cycle] == [(1,), (1, 128)]
        assert [tuple(t.shape) for t in GaussianEF()(torch.zeros(2, 3, 32, 112, 112))] == [(2,), (2,)]


@pytest.mark.parametrize("width", [4, 8, 16])
def test_any_width(width):
    graph = EchoGNN(width, frames=4)(clips(2, 4))
    cycle = UVT(width, size=32, blocks=1, layers=1)(clips(2, 4))
    assert isinstance(graph, FrameGraph) and isinstance(cycle, UVTOutput)
    assert graph.nodes.shape == cycle.phase.shape == (2, 4) and graph.edges.shape == (2, 4, 4)
    assert EchoCoTr(width)(clips(2, 4)).shape == (2, 1)
    assert GaussianEF(width=width, blocks=1)(clips(2, 4))[1].shape == (2,)


@pytest.mark.parametrize("name", list(SMALL))
def test_gradients_reach_every_parameter(name):
    network = small(name).train()
    found = outputs(network(clips()))
    generator = torch.Generator().manual_seed(1)
    sum((torch.randn(t.shape, generator=generator) * t).sum() for t in found).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())] == []
    # a bias before batch normalisation has a gradient of 0 by its nature; every weight has one above
    assert [n for n, p in network.named_parameters() if p.dim() > 1 and not bool(p.grad.any())] == []


@pytest.mark.parametrize("name", list(SMALL))
def test_clips_do_not_see_each_other_in_evaluation_mode(name):
    network = settled(small(name), clips(4))
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        straight, permuted = outputs(network(clips())), outputs(network(clips()[order]))
    for a, b in zip(straight, permuted, strict=True):
        torch.testing.assert_close(a[order], b)
    assert not any(torch.equal(found[0], found[1]) for found in straight)


@pytest.mark.parametrize("name", list(SMALL))
def test_mixed_precision_says_nearly_the_same(name):
    network = settled(small(name), clips(4))
    with torch.no_grad():
        exact = outputs(network(clips()))[0].flatten()
    with torch.autocast("cpu", torch.bfloat16):
        low = outputs(network(clips()))[0].flatten().float()
    low.sum().backward()
    torch.testing.assert_close(low, exact, rtol=0.02, atol=0.1)
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in network.parameters())


@pytest.mark.parametrize("name", ["echognn", "uvt"])
def test_bounded_systems_start_at_the_mean_ef_and_stay_within_0_to_100(name):
    network = small(name)
    head = network.ef
    with torch.no_grad():
        assert 100 * float(head[-1].bias.sigmoid()) == pytest.approx(55.6, abs=1e-3)
        head[-1].weight.mul_(1e3)
        ef = network.eval()(clips(seed=5)).ef
    assert bool((ef >= 0).all() and (ef <= 100).all())


def test_graph_convolution_against_loops():
    generator = torch.Generator().manual_seed(0)
    edges = torch.rand(2, 5, 5, generator=generator) * (1 - torch.eye(5))
    frames = torch.randn(2, 5, 6, generator=generator)
    layer = GraphLayer(6, 3, frames=5, dropout=0.5).eval()  # untouched statistics: the normalisation does nothing
    expected = torch.zeros(2, 5, 3)
    for b in range(2):
        adjacency = [[2.0 if i == j else float(edges[b, i, j]) for j in range(5)] for i in range(5)]
        degree = [sum(row) for row in adjacency]
        for i in range(5):
            for j in range(5):
                message = frames[b, j] @ layer.linear.weight.T
                expected[b, i] += adjacency[i][j] / (degree[i] * degree[j]) ** 0.5 * message
            expected[b, i] += layer.linear.bias
    torch.testing.assert_close(layer(frames, edges), F.elu(expected / (1 + 1e-5) ** 0.5))


def test_a_graph_without_edges_only_scales_each_frame():
    torch.testing.assert_close(propagation(torch.zeros(1, 4, 4)), torch.eye(4).unsqueeze(0))


def test_frame_and_edge_weights_are_relative_to_the_largest():
    network = settled(small("echognn"), clips(4))
    with torch.no_grad():
        graph = network(clips())
    assert bool((graph.nodes > 0).all()) and bool((graph.nodes <= 1).all())
    torch.testing.assert_close(graph.nodes.amax(1), torch.ones(3))
    torch.testing.assert_close(graph.edges.amax((1, 2)), torch.ones(3))
    between = graph.edges[:, ~torch.eye(8, dtype=torch.bool)]
    assert bool((between > 0).all()) and not bool(graph.edges.diagonal(dim1=1, dim2=2).any())
    assert float(graph.nodes.std()) > 0 and float(between.std()) > 0


def test_edges_join_the_frames_that_they_name():
    """Edge (i, j) is scored from what frame j says to frame i."""
    torch.manual_seed(0)
    edges = EdgeWeights(6, 5, dropout=0.0).eval()
    frames = torch.randn(1, 4, 6)
    messages = edges.messages
    first = messages.first_frames(frames)[0]
    pairs = {
        (i, j): messages.first_pairs(torch.cat((first[j], first[i])).view(1, 1, -1))[0, 0]
        for i in range(4)
        for j in range(4)
        if i != j
    }
    told = torch.stack([torch.stack([pairs[i, j] for j in range(4) if j != i]).mean(0) for i in range(4)])
    second = messages.frames(told.unsqueeze(0))[0]
    scores = torch.zeros(4, 4)
    for (i, j), pair in pairs.items():
        told_again = messages.pairs(torch.cat((second[j], second[i], pair)).view(1, 1, -1))
        scores[i, j] = edges.score(told_again).sigmoid()
    torch.testing.assert_close(edges(frames)[0], scores / scores.max())


def test_pairs_and_what_a_frame_receives():
    receivers, senders = frame_pairs(3, torch.device("cpu"))
    assert receivers.tolist() == [0, 0, 1, 1, 2, 2]
    assert senders.tolist() == [1, 2, 2, 0, 0, 1]
    pairs = torch.arange(6.0).view(1, 6, 1)
    assert mean_received(pairs, 3).flatten().tolist() == [0.5, 2.5, 4.5]


def test_perceptrons_normalise_over_all_items():
    torch.manual_seed(0)
    normal = Perceptron(6, 4, dropout=0.0).train()(torch.randn(3, 50, 6))
    torch.testing.assert_close(normal.mean((0, 1)), torch.zeros(4), atol=1e-5, rtol=0)


def test_positions_are_sines_and_cosines():
    found = positional_encoding(6, 8, like=torch.zeros(1))
    for place in range(6):
        for k in range(4):
            angle = torch.tensor(place / 10_000 ** (2 * k / 8))
            torch.testing.assert_close(found[place, 2 * k : 2 * k + 2], torch.stack((angle.sin(), angle.cos())))


def test_echognn_reads_grey():
    network = settled(small("echognn"), clips(4))
    grey = clips()[:, :1]
    torch.testing.assert_close(network(grey).ef, network(grey.expand(-1, 3, -1, -1, -1)).ef)


def test_echocotr_halves_time_once_and_refuses_what_would_vanish():
    network = small("echocotr").eval()
    assert tuple(network.tokens(clips(2, 9, 64)).shape) == (2, 64, 5, 2, 2)
    with pytest.raises(ValueError, match="32 pixels"):
        network(clips(1, 8, 31))


def test_echocotr_drops_more_paths_the_deeper_they_lie():
    blocks = [block for stage in small("echocotr").stages for block in stage]
    rates = [block.drop_path.p for block in blocks]
    assert len(rates) == 18 and rates == pytest.approx([0.1 * k / 17 for k in range(18)])


def test_attention_against_torchs():
    torch.manual_seed(0)
    ours, theirs = SelfAttention(20, 5), nn.MultiheadAttention(20, 5, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.query_key_value.weight,
            "in_proj_bias": ours.query_key_value.bias,
            "out_proj.weight": torch.eye(20),
            "out_proj.bias": torch.zeros(20),
        }
    )
    tokens = torch.randn(2, 7, 20)
    torch.testing.assert_close(ours(tokens), theirs(tokens, tokens, tokens)[0])


def test_uvts_ef_does_not_depend_on_the_order_of_frames():
    network = settled(small("uvt"), clips(4))
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        straight, shuffled = network(clips()), network(clips()[:, :, order])
    torch.testing.assert_close(straight.ef, shuffled.ef)
    torch.testing.assert_close(straight.phase[:, order], shuffled.phase)
    assert bool((straight.phase.abs() <= 1).all()) and float(straight.phase.std()) > 0


def test_uvt_reads_the_mean_of_all_hidden_states():
    network = settled(small("uvt"), clips(4))
    with torch.no_grad():
        hidden = [torch.stack([network.encoder(clip.transpose(0, 1)) for clip in clips()])]
        for layer in network.layers:
            hidden.append(layer(hidden[-1]))
        states = torch.stack(hidden).mean(0)
        cycle = network(clips())
        torch.testing.assert_close(cycle.ef, 100 * network.ef(states).mean(1).squeeze(1).sigmoid())
        torch.testing.assert_close(cycle.phase, network.phase(states).squeeze(2).tanh())


def test_uvt_takes_any_number_of_frames_and_pads_to_whole_patches():
    network = UVT(8, size=40, blocks=1, layers=1).eval()
    assert network.encoder.padding == 24
    assert [network(clips(1, frames, 40)).phase.shape[1] for frames in (1, 5, 19)] == [1, 5, 19]
    with torch.device("meta"):
        full = FrameEncoder(64, 112, 8, 1024)
    assert full.padding == 16 and full.linear.in_features == 128 * 8 * 8  # 128 x 128 pixels, a sixteenth of the side


def test_without_dropout_nothing_is_epistemic():
    torch.manual_seed(0)
    network = GaussianEF(width=4, blocks=1, dropout=0.0)
    mean, log_variance = network.eval()(clips())
    found = predictive(network, clips(), 4)
    torch.testing.assert_close(found.epistemic, torch.zeros(3), atol=1e-8, rtol=0)
    torch.testing.assert_close(found.mean, mean)
    torch.testing.assert_close(found.aleatoric, log_variance.exp())


def test_draws_drop_units_but_keep_running_statistics():
    network = settled(small("bayesian"), clips(4))
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    found = predictive(network, clips(), 16)
    assert isinstance(found, Predictive) and not network.training
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())
    assert bool((found.epistemic > 0).all())
    with torch.no_grad():
        torch.manual_seed(1)
        network.eval()
        for module in network.modules():
            if isinstance(module, nn.Dropout | nn.Dropout3d):
                module.train()
        draws = torch.stack([network(clips())[0] for _ in range(5)])
        torch.manual_seed(1)
        again = predictive(network, clips(), 5)
    torch.testing.assert_close(again.mean, draws.mean(0))
    torch.testing.assert_close(again.epistemic, draws.var(0, correction=0), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("ef_scale", [1.0, 12.0])
def test_the_gaussian_head_starts_at_the_population(ef_scale):
    network = GaussianEF(width=4, blocks=1, ef_scale=ef_scale)
    with torch.no_grad():
        assert float(network.mean(torch.zeros(1, network.mean.in_features))) == pytest.approx(55.6)
        assert float(network.log_variance.bias.exp().sqrt()) == pytest.approx(ef_scale)
