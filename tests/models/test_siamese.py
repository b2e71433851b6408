"""The encoder of two frames: the same weights on each, features side by side."""

import pytest
import torch
from torchvision.models import resnet18

from echolib.models.semantic import SemanticPairs
from echolib.models.video import clip_features, ef_regressor, video_encoder


def test_at_full_size_each_frame_goes_through_a_resnet_18():
    with torch.device("meta"):
        ours, theirs = video_encoder("siamese_18"), resnet18(num_classes=1)
    shapes = [tuple(size for size in p.shape if size != 1) for p in ours.parameters()]
    expected = [tuple(size for size in p.shape if size != 1) for p in theirs.parameters()]
    expected[-2] = (2 * 512,)  # both frames' features
    assert sorted(shapes) == sorted(expected)


@pytest.mark.parametrize("width", [4, 8])
def test_frames_do_not_see_each_other(width):
    torch.manual_seed(0)
    encoder = video_encoder("siamese_18", width, 1).eval()
    clips = torch.randn(3, 3, 2, 32, 32)
    both, swapped = (clip_features(encoder, each).view(3, -1, 2) for each in (clips, clips.flip(2)))
    torch.testing.assert_close(both, swapped.flip(2))
    assert ef_regressor("siamese_18", width, 1)(clips).shape == (3, 1)
    other = clips.clone()
    other[:, :, 1] = 0
    torch.testing.assert_close(clip_features(encoder, other).view(3, -1, 2)[..., 0], both[..., 0])


def test_the_mask_branch_gives_a_mask_for_each_frame():
    model = SemanticPairs(video_encoder("siamese_18", 8, 1), hidden=8)
    output = model(torch.randn(2, 3, 2, 64, 64))
    assert output.masks.shape == (2, 2, 64, 64) and output.scores.shape == output.offsets.shape == (2, 20)
