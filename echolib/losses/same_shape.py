"""What every loss on (N,) predictions and targets refuses."""

from torch import Tensor


def require_same_shape(*vectors: Tensor) -> None:
    """Raises ValueError unless all are (N,): (N, 1) against (N,) would broadcast to all pairs without a word."""
    shapes = [tuple(vector.shape) for vector in vectors]
    if len(shapes[0]) != 1 or len(set(shapes)) > 1:
        raise ValueError(f"predictions, targets and weights are all (N,), got {', '.join(map(str, shapes))}")
