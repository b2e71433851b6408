"""Small made-up videos and tables in the formats of the real datasets."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd


def moving_noise(frames: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth grey noise that drifts sideways: uint8 (frames, height, width)."""
    noise = np.random.default_rng(seed).random((height, width)).astype("float32")
    image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX).astype("uint8")
    return np.stack([np.roll(image, step, axis=1) for step in range(frames)])


def write_avi(path: Path, frames: np.ndarray, backend: int = cv2.CAP_OPENCV_MJPEG) -> Path:
    """MJPG AVI of grey (T, H, W) or BGR (T, H, W, 3) frames, as the EchoNet datasets were written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames.shape[1:3]
    writer = cv2.VideoWriter(str(path), backend, cv2.VideoWriter_fourcc(*"MJPG"), 50, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame if frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def mp4(path: Path, frames: np.ndarray, codec: str = "libx264") -> Path:
    """A grey (T, H, W) film in an MP4 or MOV file, as a scanner exports it."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=50)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="gray").reformat(format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def opencv_rgb(path: Path) -> np.ndarray:
    """Every frame as OpenCV decodes it: uint8 (T, H, W, 3) RGB."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while (answer := capture.read())[0]:
        frames.append(answer[1][..., ::-1])
    return np.stack(frames)


def half_ellipse(length: float, half_width: float, top: float = 20.0, middle: float = 56.0) -> np.ndarray:
    """A tracing (21, 4) of a ventricle like half an ellipse standing upright."""
    depth = (np.arange(20) + 0.5) / 20
    width = half_width * np.sqrt(1 - (1 - depth) ** 2)
    y = top + length * depth
    chords = np.stack([middle - width, y, middle + width, y], axis=1)
    return np.concatenate([[[middle, top, middle, top + length]], chords])


def tracing_rows(name: str, frame: int, tracing: np.ndarray) -> pd.DataFrame:
    """The rows of VolumeTracings.csv for one tracing."""
    table = pd.DataFrame(tracing, columns=["X1", "Y1", "X2", "Y2"])
    table.insert(0, "FileName", f"{name}.avi")
    return table.assign(Frame=frame)


def change(path: Path, **columns) -> None:
    """Rewrites cells of a CSV: column={row place: value}."""
    table = pd.read_csv(path, dtype=object, keep_default_na=False)
    for column, cells in columns.items():
        for place, value in cells.items():
            table.loc[place, column] = value
    table.to_csv(path, index=False)
