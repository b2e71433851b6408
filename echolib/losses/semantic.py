"""What the segmentation branch beside EF learns from (Chen and Li, Sec. 2.2)."""

import torch.nn.functional as F

from echolib.shapes import LabelWeights, MaskLogits, MaskTargets, Scalar


def auxiliary_loss(logits: MaskLogits, masks: MaskTargets, alpha: LabelWeights) -> Scalar:
    """Eq. 8 and 9: alpha / 2 (BCE_ed + BCE_es), cross-entropies summed over the image, mean over the batch.

    logits, masks: (batch, 2, H, W), ED and ES; alpha: (batch,), the Dice of the segmenter that made the masks.
    """
    cross_entropy = F.binary_cross_entropy_with_logits(logits, masks.to(logits.dtype), reduction="none").sum((2, 3))
    return (alpha * cross_entropy.mean(1)).mean()
