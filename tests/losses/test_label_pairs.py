"""Bins of labels, pairs that share one, and inner products in full precision."""

import pytest
import torch
import torch.nn.functional as F

from echolib.losses.label_pairs import bin_labels, inner_products, log_sum_exp_over, mean_over, positives_and_negatives
from tests.losses.written_out import embeddings


def test_labels_are_binned():
    ef = torch.tensor([54.99, 55.0, 55.9, 0.0])
    assert bin_labels(ef).tolist() == [54, 55, 55, 0]
    assert bin_labels(torch.tensor([55.01, 55.04, 55.06]), 0.05).tolist() == [1100, 1100, 1101]
    with pytest.raises(ValueError, match="width"):
        bin_labels(torch.zeros(2), 0)


def test_pairs_of_a_batch():
    positive, negative = positives_and_negatives(torch.tensor([3, 5, 3]))
    assert positive.tolist() == [[False, False, True], [False, False, False], [True, False, False]]
    assert negative.tolist() == [[False, True, False], [True, False, True], [False, True, False]]


def test_sums_over_chosen_pairs():
    values = torch.tensor([[1.0, 2.0, 4.0], [3.0, 5.0, 7.0], [6.0, 8.0, 9.0]], dtype=torch.float64)
    chosen = torch.tensor([[True, False, True], [False, False, False], [False, True, False]])
    assert mean_over(values, chosen).tolist() == [2.5, 0.0, 8.0]
    expected = [values[0, [0, 2]].exp().sum().log(), values[1].exp().sum().log(), values[2, 1]]
    torch.testing.assert_close(log_sum_exp_over(values, chosen), torch.stack(expected))


def test_inner_products_keep_their_precision_under_autocast():
    near = F.normalize(torch.ones(1, 5) + 0.05 * embeddings().float(), dim=1)  # cosines that bf16 rounds to 1
    with torch.autocast("cpu", torch.bfloat16):
        products = inner_products(near)
    assert products.dtype == torch.float32
    torch.testing.assert_close(products, near @ near.T)
