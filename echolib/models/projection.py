"""The head on which contrastive losses compare features."""

from torch import nn


def projection_head(features: int, outputs: int) -> nn.Sequential:
    """Two layers with ReLU, features (N, features) -> embeddings (N, outputs): 512 -> 512 -> 128 in EchoMEN."""
    return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, outputs))
