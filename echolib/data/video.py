"""Video files -> grey frames: AVI, MP4 and MOV by PyAV, DICOM by pydicom."""

import os
from collections.abc import Iterator
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np

from echolib.data.errors import VideoError

LARGEST_BYTES = 8 << 30  # of decoded grey frames; a header or a bomb that asks for more is refused
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
    kind = _container(path)
    try:
        return _decode_dicom(path) if kind == "dicom" else _decode_av(path, kind)
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


def _container(path: Path) -> str:
    """The kind of file ("avi", "mov", "dicom") by its first bytes; refuses everything else, and files cut short."""
    if not path.is_file():
        raise VideoError(f"{path} is missing or not a file")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(132)
        if size == 0:
            raise VideoError(f"{path} is empty: get it again")
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            kind, chunks = "avi", _riff_chunks(file, size)
        elif head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"):
            kind, chunks = "mov", _iso_boxes(file, size)
        elif head[128:132] == b"DICM":
            return "dicom"
        else:
            raise VideoError(f"{path} is no AVI, MP4, MOV or DICOM video (it starts with {head[:8]!r})")
        for name, end in chunks:
            if end > size:
                raise VideoError(f"{path} is cut short: its {name} should end at byte {end}, the file has {size}")
    return kind


def _riff_chunks(file, size: int) -> Iterator[tuple[str, int]]:
    """Name and end of each RIFF list of an AVI file (large files have several)."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(8)
        if head[:4] != b"RIFF":
            return  # padding after the last list
        length = int.from_bytes(head[4:], "little")
        if length in (0, 0xFFFFFFFF):
            length = size  # never finished by its writer: certainly too long
        position += 8 + length
        yield "RIFF list", position
        position += length & 1


def _iso_boxes(file, size: int) -> Iterator[tuple[str, int]]:
    """Name and end of each box on the top level of an MP4 or MOV file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            return  # reaches to the end of the file by definition
        if length < 8:
            length = size + 8
        position += length
        yield f"{head[4:8].decode('latin-1')} box", position


def _decode_av(path: Path, kind: str) -> tuple[np.ndarray, tuple[int, int] | None]:
    import av

    frames: list[np.ndarray] = []
    chroma, total = set(), 0
    with av.open(str(path), format=kind) as container:
        if not container.streams.video:
            raise VideoError(f"{path} has no video stream")
        stream = container.streams.video[0]
        _check_claim(path, stream.frames, stream.width or 1, stream.height or 1)
        # Small MJPEG frames decode fastest on one thread; the store decodes several files at once.
        stream.thread_type = "NONE" if kind == "avi" else "AUTO"
        discarded = 0
        for packet in container.demux(stream):
            discarded += bool(packet.is_discard and packet.size)
            for frame in packet.decode():
                grey, tint = _planes(frame)
                total += grey.nbytes
                if frame.is_corrupt:
                    raise VideoError(f"{path}: frame {len(frames)} is damaged: get it again")
                if total > LARGEST_BYTES:
                    raise VideoError(f"{path} decodes to more than {LARGEST_BYTES} bytes: cut it into shorter videos")
                frames.append(grey)
                chroma.add(tint)
        claimed = stream.frames
    if not frames:
        raise VideoError(f"{path} holds no frame that can be decoded")
    # An edit list may hide frames of an MP4 or MOV: those that the container itself marks may be absent.
    if claimed and not claimed - discarded <= len(frames) <= claimed:
        raise VideoError(f"{path} holds {len(frames)} frames, its header says {claimed}: get it again")
    return np.stack(frames), chroma.pop() if len(chroma) == 1 else None


def _check_claim(path: Path, frames: int, width: int, height: int) -> None:
    """Refuses a header whose claim cannot be true before anything is allocated for it."""
    size = os.path.getsize(path)
    if frames > size or frames * width * height > LARGEST_BYTES:
        raise VideoError(
            f"{path}: its header claims {frames} frames of {width} x {height} in a file of {size} bytes, "
            f"more than can be true or the {LARGEST_BYTES} bytes a video may take: get it again"
        )


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
        return _luma(frame.to_ndarray(format="rgb24")), None
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


def _luma(rgb: np.ndarray) -> np.ndarray:
    """Rec. 601 luma, uint8 (..., H, W), of RGB (..., H, W, 3)."""
    return np.round(rgb @ np.array([0.299, 0.587, 0.114])).clip(0, 255).astype("uint8")


def _decode_dicom(path: Path) -> tuple[np.ndarray, tuple[int, int] | None]:
    import pydicom
    from pydicom.pixels import pixel_array

    data = pydicom.dcmread(path)
    if "PixelData" not in data:
        raise VideoError(f"{path} is a DICOM file without pixels")
    _check_claim(path, int(data.get("NumberOfFrames", 1) or 1), int(data.Columns), int(data.Rows))
    pixels = pixel_array(data, raw=True)  # keeps YCbCr, whose first sample is the grey we want
    kind = data.PhotometricInterpretation
    if data.SamplesPerPixel == 3:
        pixels = pixels[..., 0] if kind.startswith("YBR") else _luma(pixels)
    elif kind not in ("MONOCHROME1", "MONOCHROME2"):
        raise VideoError(f"{path}: pixels of kind {kind} are not supported: convert to RGB or grey")
    if pixels.dtype != np.uint8:
        pixels = (pixels.astype("int64") >> max(int(data.BitsStored) - 8, 0)).clip(0, 255).astype("uint8")
    if kind == "MONOCHROME1":
        pixels = 255 - pixels
    return np.ascontiguousarray(pixels.reshape(-1, *pixels.shape[-2:])), None
