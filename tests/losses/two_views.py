"""Embeddings of two views of some images."""

import torch


def two_views(count=6, size=8, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(count, size, generator=generator, dtype=torch.float64).to(dtype) for _ in range(2))
