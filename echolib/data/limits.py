"""What a file may claim of itself: bounds that are looked at before any memory is taken."""

import os
from pathlib import Path

from echolib.data.errors import VideoError

LARGEST_BYTES = 8 << 30  # of decoded grey frames; a header or a bomb that asks for more is refused
LARGEST_PIXELS = 1 << 26  # of one frame, 8192 x 8192; the widest of scanners stay far below


def check_claim(path: Path, frames: int, width: int, height: int) -> None:
    """Refuses a header whose claim cannot be true before anything is allocated for it. Raises VideoError."""
    size = os.path.getsize(path)
    claim = f"{path}: its header claims {frames} frames of {width} x {height}"
    if width < 1 or height < 1 or width * height > LARGEST_PIXELS:
        raise VideoError(f"{claim}, no size of a picture up to {LARGEST_PIXELS} pixels: get it again")
    if frames > size or frames * width * height > LARGEST_BYTES:
        raise VideoError(
            f"{claim} in a file of {size} bytes, more than can be true or the {LARGEST_BYTES} bytes a video may take: "
            "get it again"
        )
