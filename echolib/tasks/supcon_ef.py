"""EF by squared error and the supervised contrastive loss (Khosla et al. 2020)."""

import torch.nn.functional as F

from echolib.data.loaders.clips import EFVideos
from echolib.losses.label_pairs import bin_labels
from echolib.losses.supcon import supcon
from echolib.shapes import Embeddings, Labels, Scalar, VideoLabels
from echolib.tasks.contrastive_ef import ContrastiveEF


class SupConEF(ContrastiveEF):
    """EchoMEN's first stage without label distances: labels within one bin of `bin_width` EF points are positives."""

    temperature: float = 0.1
    bin_width: float = 1.0

    def compared_labels(self, videos: EFVideos) -> VideoLabels:
        return bin_labels(videos.ef, self.bin_width).to(videos.ef.dtype)

    def contrast(self, embeddings: Embeddings, labels: Labels) -> Scalar:
        return supcon(F.normalize(embeddings, dim=1), labels, temperature=self.temperature)
