"""What lies on disk, and how it becomes arrays: readers of the datasets, videos, the store of decoded frames.

Each name is imported when it is first asked for: listing the datasets takes no library that reads them.
"""

from echolib.faces import lazy_face

DEFINED_IN = {
    "CAMUS": "echolib.data.readers.camus",
    "DataError": "echolib.data.errors",
    "DataSelection": "echolib.data.selection",
    "DatasetEntry": "echolib.data.dataset_entry",
    "EchoNetDynamic": "echolib.data.readers.echonet_dynamic",
    "EchoNetLVH": "echolib.data.readers.echonet_lvh",
    "FrameStore": "echolib.data.store.frame_store",
    "VideoError": "echolib.data.errors",
    "mask_frames": "echolib.data.image",
    "crop_to_sector": "echolib.data.sector",
    "dataset_names": "echolib.data.registry",
    "entry": "echolib.data.registry",
    "image_frames": "echolib.data.image",
    "read_mask": "echolib.data.image",
    "read_image": "echolib.data.image",
    "read_video": "echolib.data.video",
}
__all__ = sorted(DEFINED_IN)
__getattr__, __dir__ = lazy_face(__name__, DEFINED_IN)
