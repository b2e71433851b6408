"""What lies on disk, and how it becomes arrays: readers of three datasets, videos, the store of decoded frames."""

from echolib.data.errors import DataError, VideoError
from echolib.data.readers.camus import CAMUS, camus_frames, camus_labels, read_camus, read_camus_mask
from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.data.readers.echonet_lvh import EchoNetLVH
from echolib.data.sector import crop_to_sector
from echolib.data.store.frame_store import FrameStore
from echolib.data.video import read_video

__all__ = [
    "CAMUS",
    "DataError",
    "EchoNetDynamic",
    "EchoNetLVH",
    "FrameStore",
    "VideoError",
    "camus_frames",
    "camus_labels",
    "crop_to_sector",
    "read_camus",
    "read_camus_mask",
    "read_video",
]
