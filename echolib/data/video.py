"""Video files -> grey frames: AVI, MP4 and MOV by PyAV, DICOM by pydicom."""

from collections import Counter
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from echolib.data.avi import AVI
from echolib.data.containers import read_container
from echolib.data.dicom import decode_dicom, luma
from echolib.data.errors import VideoError
from echolib.data.jpeg import JPEGCheck
from echolib.data.limits import LARGEST_BYTES, LARGEST_PIXELS, check_claim

_CONTAINED = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}  # no file leads to another
_STRICT = {"err_detect": "crccheck+bitstream+buffer+explode"}  # of the decoder, which else guesses what is damaged
_FEW_FRAMES = 3
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_STRETCHED = np.round((np.arange(256) - 16) * (255 / 219)).clip(0, 255).astype("uint8")
_LUMA_FIRST = ("yuv", "yuvj", "gray", "nv12", "nv21")


def read_video(path: str | PathLike) -> np.ndarray:
    """The grey frames of a video, uint8 (T, H, W).

    AVI, MP4, MOV and multi-frame DICOM, told apart by content, not by suffix. Grey is the luma plane: for the
    full-range MJPEG of the EchoNet datasets it equals the green channel of OpenCV's decoding bit for bit; video of
    limited range is stretched to 0..255.

    Raises VideoError, which names the file, when it is missing, empty, no video, cut short, damaged, or holds another
    number of frames than its header says.
    """
    return decode_video(path)[0]


def decode_video(path: str | PathLike) -> tuple[np.ndarray, tuple[int, int] | None]:
    """As `read_video`, with the video's chroma (blue, red) where both planes are one constant throughout, else None.

    With constant chroma the RGB picture is a function of luma alone; see `rgb_lookup`.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise VideoError(f"{path} is missing or not a file")
        with path.open("rb") as file:
            kind, avi = read_container(path, file)
            file.seek(0)
            return (decode_dicom(path, file), None) if kind == "dicom" else _decode_av(path, file, kind, avi)
    except VideoError:
        raise
    except MemoryError as error:
        raise VideoError(f"{path} asks for more memory than there is: check the file") from error
    except Exception as error:  # each decoder has its own family of errors
        raise VideoError(f"{path} cannot be decoded ({type(error).__name__}: {error}): get it again") from error


# pyrefly: ignore[missing-attribute]  (functions are typed without attributes of their own)
read_video.packages = ("av", "pydicom")  # whose version decides the pixels


def rgb_lookup(chroma: tuple[int, int]) -> np.ndarray:
    """RGB of every luma, uint8 (256, 3), as FFmpeg (and so OpenCV) converts full-range YUV of constant chroma."""
    import av

    frame = av.VideoFrame(16, 16, "yuvj420p")
    values = np.arange(256, dtype="uint8").reshape(16, 16)
    for plane, content in zip(frame.planes, (values, chroma[0], chroma[1]), strict=True):
        buffer = np.zeros((plane.height, plane.line_size), "uint8")
        buffer[:, : plane.width] = content
        plane.update(buffer.tobytes())
    return frame.to_ndarray(format="rgb24").reshape(256, 3)


def _decode_av(path: Path, file: BinaryIO, kind: str, avi: AVI | None) -> tuple[np.ndarray, tuple[int, int] | None]:
    import av

    # The open file is handed over, never its name: `pipe:0` and `http:x.avi` would be taken for protocols.
    with av.open(file, format=kind, container_options=_CONTAINED) as container:
        if not container.streams.video:
            raise VideoError(f"{path} has no video stream")
        stream = container.streams.video[0]
        check_claim(path, stream.frames, stream.width or 1, stream.height or 1)
        stream.codec_context.options = {**_STRICT, "max_pixels": str(LARGEST_PIXELS)}
        # Small MJPEG frames decode fastest on one thread; the store decodes several files at once.
        stream.thread_type = "NONE" if kind == "avi" else "AUTO"
        frames, tints, discarded = _decode_packets(path, container, stream, avi)
        claimed = stream.frames
    if not frames:
        raise VideoError(f"{path} holds no frame that can be decoded")
    # An edit list may hide frames of an MP4 or MOV: those that the container itself marks may be absent.
    if claimed and not claimed - discarded <= len(frames) <= claimed:
        raise VideoError(f"{path} holds {len(frames)} frames, its header says {claimed}: get it again")
    if avi and (frames[0].shape != (avi.height, avi.width) or len(frames) != len(avi.pictures)):
        raise VideoError(f"{path}: its pictures have another size or number than its header says: get it again")
    if avi:
        _check_tints(path, tints)
    return np.stack(frames), tints[0] if len(set(tints)) == 1 else None


def _decode_packets(path: Path, container, stream, avi: AVI | None) -> tuple[list[np.ndarray], list, int]:
    """Grey frames, their tints, and the number of packets that the container says are not to be shown."""
    frames: list[np.ndarray] = []
    tints, total, discarded, packets = [], 0, 0, 0
    jpeg = JPEGCheck(path) if avi and stream.codec_context.name == "mjpeg" else None
    for packet in container.demux(stream):
        discarded += bool(packet.is_discard and packet.size)
        if avi and packet.size:
            # libav follows the index, the check of the structure the chunks: both must lead to the same pictures.
            if (packet.pos, packet.size) not in avi.pictures[packets : packets + 1]:
                raise VideoError(f"{path}: frame {packets} is not where its index says: get it again")
            if jpeg:
                jpeg.check(packets, bytes(packet))
            packets += 1
        for frame in packet.decode():
            grey, tint = _planes(frame)
            total += grey.nbytes
            if frame.is_corrupt:
                raise VideoError(f"{path}: frame {len(frames)} is damaged: get it again")
            if total > LARGEST_BYTES:
                raise VideoError(f"{path} decodes to more than {LARGEST_BYTES} bytes: cut it into shorter videos")
            frames.append(grey)
            tints.append(tint)
    return frames, tints, discarded


def _check_tints(path: Path, tints: list[tuple[int, int] | None]) -> None:
    """Refuses an AVI where a few frames are coloured between many of one constant chroma.

    Nobody films so: it is what a damaged picture looks like, where the luma of one block is read as chroma of another.
    """
    tint, count = Counter(tints).most_common(1)[0]
    odd = len(tints) - count
    if tint is not None and 0 < odd < count and odd <= max(_FEW_FRAMES, len(tints) // 10):
        number = next(place for place, own in enumerate(tints) if own != tint)
        raise VideoError(f"{path}: frame {number} is damaged (coloured between grey ones): get it again")


@lru_cache(maxsize=16)
def _treatment(name: str, color_range: int) -> str:
    """How frames become grey: they are "grey", have luma "alone", "with chroma" or to be "stretched", or are "rgb"."""
    import av

    if not name.startswith(_LUMA_FIRST) or any(part.bits > 8 for part in av.VideoFormat(name).components):
        return "rgb"
    if name.startswith("gray"):
        return "grey"
    if not name.startswith("yuvj") and color_range != _FULL_RANGE:
        return "stretched"
    return "alone" if name.startswith("nv") else "with chroma"


def _planes(frame) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Grey picture (H, W) of one decoded frame, and its chroma where that is constant and of full range."""
    treatment = _treatment(frame.format.name, int(frame.color_range))
    if treatment == "rgb":
        return luma(frame.to_ndarray(format="rgb24")), None
    planes = frame.planes
    grey = _plane(planes[0])
    if treatment == "stretched":
        return _STRETCHED[grey], None
    if treatment in ("grey", "alone"):
        return grey.copy(), (128, 128) if treatment == "grey" else None
    blue, red = (_constant(bytes(plane), plane.line_size, plane.width) for plane in planes[1:3])
    return grey.copy(), None if blue is None or red is None else (blue, red)


@lru_cache(maxsize=8)
def _constant(plane: bytes, line_size: int, width: int) -> int | None:
    """The one value of a plane, None when it has several. Cached, since the next frame's is mostly the same bytes."""
    values = np.frombuffer(plane, "uint8").reshape(-1, line_size)[:, :width]
    return int(values[0, 0]) if (values == values[0, 0]).all() else None


def _plane(plane) -> np.ndarray:
    """The pixels of one plane without the padding at the end of its lines; a view."""
    return np.frombuffer(plane, "uint8").reshape(plane.height, plane.line_size)[:, : plane.width]
