"""How widely embeddings are spread over directions."""

import torch.nn.functional as F

from echolib.shapes import Embeddings


def spread(embeddings: Embeddings) -> float:
    """Standard deviation over items of each component of the unit embeddings (items, D), mean over components, times
    the square root of D: 0 where all point one way (collapse), 1 where they point everywhere alike (Chen and He 2021).
    """
    unit = F.normalize(embeddings.double(), dim=1)
    return float(unit.std(0, correction=0).mean()) * embeddings.shape[1] ** 0.5
