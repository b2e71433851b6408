"""Loading one 32-frame clip: the frame store against decoding the whole video with OpenCV.

    python tests/benchmarks/clip_loading.py [videos]

Prints the cost of building the store, the median milliseconds per clip of both ways, which alternate every ten clips
in one run, and their ratio. The decode-all loader does what the published one does: every frame to normalised float
RGB, then the frames of the clip. The store gives grey bytes; look-up and normalisation happen on the device. Videos are
synthetic MJPG AVIs of 175 frames of 112 x 112 pixels.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from echolib.data import FrameStore

LENGTH, PERIOD, FRAMES, SIZE = 32, 2, 175, 112
MEAN, SD = (32.49, 32.63, 32.93), (49.87, 49.88, 50.13)
BATCH = 10  # clips that one way loads before the other does


def write_videos(folder: Path, count: int) -> dict[str, Path]:
    """Synthetic videos with speckle-like detail: {name: path}."""
    rng, paths = np.random.default_rng(0), {}
    for number in range(count):
        noise = cv2.GaussianBlur(rng.random((SIZE, SIZE)).astype("float32"), (0, 0), 1.5)
        image = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype("uint8")
        paths[f"v{number}"] = path = folder / f"v{number}.avi"
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), 50, (SIZE, SIZE))
        for step in range(FRAMES):
            writer.write(cv2.cvtColor(np.roll(image, step, axis=1), cv2.COLOR_GRAY2BGR))
        writer.release()
    return paths


def opencv_clip(path: Path, start: int) -> np.ndarray:
    """A clip as a decode-all loader takes it: normalised float RGB (3, 32, H, W)."""
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    video = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    for frame in range(count):
        video[frame] = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
    return normalised(video)[:, start + PERIOD * np.arange(LENGTH)]


def normalised(rgb: np.ndarray) -> np.ndarray:
    """uint8 (T, H, W, 3) -> float32 (3, T, H, W) with the mean and SD that were published for EchoNet-Dynamic."""
    video = rgb.transpose(3, 0, 1, 2).astype(np.float32)
    video -= np.array(MEAN, np.float32).reshape(3, 1, 1, 1)
    video /= np.array(SD, np.float32).reshape(3, 1, 1, 1)
    return video


def store_clip(store: FrameStore, name: str, start: int) -> np.ndarray:
    """The same clip as grey bytes out of the store; (32, H, W)."""
    return np.ascontiguousarray(store.frames(name)[start : start + PERIOD * LENGTH : PERIOD])


def timed(seconds: list[float], calls: list[tuple]) -> list[np.ndarray]:
    """The results of the calls; adds the seconds of each."""
    results = []
    for function, *arguments in calls:
        begin = time.perf_counter()
        results.append(function(*arguments))
        seconds.append(time.perf_counter() - begin)
    return results


def main(videos: int = 200) -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_videos(Path(folder), videos)
        begin, cpu = time.perf_counter(), time.process_time()
        store = FrameStore.build(Path(folder) / "store", paths, workers=1, progress=False)
        print(f"store, one process: {1e3 * (time.perf_counter() - begin) / videos:.1f} ms per video, ", end="")
        print(f"{1e3 * (time.process_time() - cpu) / videos:.1f} ms of CPU")
        rng, slow, fast = np.random.default_rng(1), [], []
        wanted = [(name, int(rng.integers(FRAMES - PERIOD * LENGTH + 1))) for name in paths]
        for first in range(0, videos, BATCH):
            batch = wanted[first : first + BATCH]
            expected = timed(slow, [(opencv_clip, paths[name], start) for name, start in batch])
            clips = timed(fast, [(store_clip, store, name, start) for name, start in batch])
            for clip, rgb in zip(clips, expected, strict=True):
                assert np.array_equal(normalised(store.lookup[clip]), rgb)
        a, b = statistics.median(slow), statistics.median(fast)
        print(
            f"OpenCV, all frames: {1e3 * a:.2f} ms per clip; store: {1e3 * b:.4f} ms per clip; {a / b:.0f} times faster"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
