"""EF by squared error and Rank-N-Contrast (Zha et al. 2023)."""

from torch import nn

from echolib.losses.rank_n_contrast import rank_n_contrast
from echolib.shapes import Embeddings, Labels, Scalar
from echolib.tasks.contrastive_ef import ContrastiveEF


class RankNContrastEF(ContrastiveEF):
    """Squared error and Rank-N-Contrast on the features themselves, which EF orders."""

    contrast_weight: float = 1.0
    temperature: float = 2.0

    def head(self, features: int) -> nn.Module:
        return nn.Identity()

    def contrast(self, embeddings: Embeddings, labels: Labels) -> Scalar:
        return rank_n_contrast(embeddings, labels, temperature=self.temperature)
