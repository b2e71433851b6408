"""Masks packed eight pixels a byte, and those of a clip's largest and smallest ventricle."""

import pytest
import torch

from echolib.data.loaders.mask_bank import MaskBank, pack, unpack


@pytest.mark.parametrize("width", [1, 7, 8, 32, 33])
def test_packed_masks_come_back(width):
    masks = torch.rand(3, 4, width, generator=torch.Generator().manual_seed(0)) > 0.5
    packed = pack(masks)
    assert packed.dtype == torch.uint8 and packed.shape == (3, 4, -(-width // 8))
    assert torch.equal(unpack(packed, width), masks)


def test_the_largest_and_the_smallest_existing_frame_are_chosen():
    masks = torch.zeros(7, 8, 8, dtype=torch.bool)
    sizes = [3, 5, 8, 1, 2, 6, 4]  # rows filled; video 0 has frames 0 to 2, video 1 the others
    for number, rows in enumerate(sizes):
        masks[number, :rows] = True
    area, first = masks.sum((1, 2)).float(), torch.tensor([0, 3])
    bank = MaskBank(pack(masks), area, first, torch.ones(2))
    index = torch.tensor([[0, 1, 2], [1, 2, 3]])
    exists = torch.tensor([[True, True, False], [True, True, True]])
    found = bank.extremes(torch.tensor([0, 1]), index, exists)
    assert torch.equal(found[0], masks[[1, 0]]) and torch.equal(found[1], masks[[5, 4]])
