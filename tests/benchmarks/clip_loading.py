"""Loading one 32-frame clip: the frame store against decoding the whole video with OpenCV.

    python tests/benchmarks/clip_loading.py [videos]

Prints the cost of building the store, the median milliseconds a clip of both ways, taken in turns in one run, and
their ratio. Videos are synthetic MJPG AVIs of 175 frames of 112 x 112 pixels.
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
    """A clip as a decode-all loader takes it: every frame to float RGB, then the chosen ones; (3, 32, H, W)."""
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    video = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    for place in range(count):
        video[place] = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
    return video.transpose(3, 0, 1, 2).astype(np.float32)[:, start + PERIOD * np.arange(LENGTH)]


def store_clip(store: FrameStore, name: str, start: int) -> np.ndarray:
    """The same clip as grey bytes out of the store; (32, H, W)."""
    return np.ascontiguousarray(store.frames(name)[start : start + PERIOD * LENGTH : PERIOD])


def main(videos: int = 200) -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_videos(Path(folder), videos)
        begin, cpu = time.perf_counter(), time.process_time()
        store = FrameStore.build(Path(folder) / "store", paths, workers=1, progress=False)
        print(f"store, one process: {1e3 * (time.perf_counter() - begin) / videos:.1f} ms a video, ", end="")
        print(f"{1e3 * (time.process_time() - cpu) / videos:.1f} ms of CPU")
        rng, slow, fast = np.random.default_rng(1), [], []
        for name, path in paths.items():
            start = int(rng.integers(FRAMES - PERIOD * LENGTH + 1))
            begin = time.perf_counter()
            expected = opencv_clip(path, start)
            middle = time.perf_counter()
            clip = store_clip(store, name, start)
            end = time.perf_counter()
            slow.append(middle - begin)
            fast.append(end - middle)
            assert np.array_equal(store.lookup[clip].transpose(3, 0, 1, 2), expected)
        a, b = statistics.median(slow), statistics.median(fast)
        print(f"OpenCV, all frames: {1e3 * a:.2f} ms a clip; store: {1e3 * b:.4f} ms a clip; {a / b:.0f} times faster")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
