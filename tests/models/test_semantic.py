"""The segmentation branch around a video encoder: where it looks, what it gives, which loss reaches what."""

import torch
import torch.nn.functional as F

from echolib.models import STCA, SemanticNetwork
from echolib.models.semantic import FramePath, ventricle_region
from echolib.models.video import stage_features, video_encoder


def network(width=4):
    torch.manual_seed(0)
    encoder = video_encoder("r2plus1d_18", width, blocks=1)
    return SemanticNetwork(encoder, STCA(encoder.fc.in_features), hidden=8)


def test_a_path_weighs_frames_by_relevance():
    torch.manual_seed(0)
    path = FramePath(6, 4).eval()
    z = torch.randn(2, 6, 3, 4, 4)
    weights = path.weights(z)
    torch.testing.assert_close(weights.sum(2), torch.ones(2, 1))
    scores = torch.stack(
        [(path.relevance.weight[0, :, 0] * z[b, :, t].mean((1, 2))).sum() for b in range(2) for t in range(3)]
    )
    torch.testing.assert_close(weights.squeeze(1), scores.view(2, 3).softmax(1))
    frame = sum(z[:, :, t] * weights[:, :, t, None, None] for t in range(3))
    raised = F.interpolate(frame, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(path(z), path.segment(raised))


def test_the_region_covers_the_mask_and_its_neighbours():
    logits = torch.full((1, 1, 14, 14), -30.0)
    logits[0, 0, 5, 5] = 30.0
    region = ventricle_region(logits, (7, 7))
    expected = torch.zeros(7, 7)
    expected[2:4, 2:4] = 1  # cells 4 to 6 of 14 lie in 2 and 3 of 7
    torch.testing.assert_close(region[0, 0], expected)


def test_shapes_at_full_size():
    with torch.device("meta"):
        encoder = video_encoder("r2plus1d_18")
        model = SemanticNetwork(encoder, STCA(512)).eval()
        clips = torch.zeros(2, 3, 32, 112, 112)
        z = stage_features(model.encoder, clips)
        features, masks = model.excited_features(clips)
        output = model(clips)
    assert z.shape == features.shape == (2, 512, 4, 7, 7)
    assert masks.shape == (2, 2, 14, 14)
    assert output.scores.shape == output.offsets.shape == (2, 20)
    assert output.masks.shape == (2, 2, 112, 112)


def test_the_ef_loss_does_not_reach_the_segmentation_paths():
    model = network()
    output = model(torch.randn(2, 3, 8, 32, 32))
    (output.scores.sum() + output.offsets.square().sum()).backward()
    assert all(p.grad is None for path in (model.diastole, model.systole) for p in path.parameters())
    assert all(p.grad is not None for part in (model.encoder, model.attention, model.fc) for p in part.parameters())


def test_the_mask_loss_reaches_the_encoder_and_its_own_path_alone():
    model = network()
    model(torch.randn(2, 3, 8, 32, 32)).masks[:, 1].square().sum().backward()
    assert all(p.grad is None for part in (model.fc, model.attention) for p in part.parameters())
    assert all(float(p.grad.abs().sum()) == 0 for p in model.diastole.parameters())
    assert all(p.grad.isfinite().all() for p in model.systole.parameters())
    assert float(model.encoder.stem[0].weight.grad.abs().sum()) > 0
