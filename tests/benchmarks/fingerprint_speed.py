"""How long it takes to tell what the data are, without decoding: a folder of EchoNet-Dynamic's size.

    python tests/benchmarks/fingerprint_speed.py [videos]

Prints the seconds of the first fingerprint (tables read, every video's size asked for), of a second selection of the
same tables, and of one that is remembered. Videos are files of a few bytes; FileList.csv and VolumeTracings.csv have
about as many rows as the real ones, 10,030 and 425,010.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from echolib.data import DataSelection

ROWS = 21  # of a tracing; two tracings per video


def write_folder(folder: Path, videos: int) -> None:
    """The two tables and the videos."""
    rng, names = np.random.default_rng(0), [f"0X{number:016X}" for number in range(videos)]
    (folder / "Videos").mkdir()
    for number, name in enumerate(names):
        (folder / "Videos" / f"{name}.avi").write_bytes(b"." * (number % 7))
    facts = {"FileName": names, "EF": rng.uniform(10, 80, videos), "ESV": 40.5, "EDV": 90.25, "FrameHeight": 112}
    facts |= {"FrameWidth": 112, "FPS": 50, "NumberOfFrames": 175}
    facts["Split"] = rng.choice(["TRAIN", "VAL", "TEST"], videos)
    pd.DataFrame(facts).to_csv(folder / "FileList.csv", index=False)
    traced = 20_238 * videos // 10_030 * ROWS
    rows = np.arange(traced) // ROWS
    points = rng.uniform(0, 112, (traced, 4))
    table = pd.DataFrame(points, columns=["X1", "Y1", "X2", "Y2"]).round(6)
    table.insert(0, "FileName", [f"{names[number]}.avi" for number in (rows // 2) % videos])
    table.assign(Frame=40 + 20 * (rows % 2) + rows // (2 * videos)).to_csv(folder / "VolumeTracings.csv", index=False)


def main(videos: int = 10_030) -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), videos)
        with (Path(folder) / "VolumeTracings.csv").open() as lines:
            print(f"{videos:,} videos, {sum(1 for _ in lines) - 1:,} rows of tracings")
        for title, side in (("first", 112), ("another size", 64), ("remembered", 112)):
            selection = DataSelection(dataset="echonet_dynamic", folder=folder, size=(side, side))
            begin = time.perf_counter()
            fingerprint = selection.fingerprint()
            print(f"{title:13} {time.perf_counter() - begin:8.4f} s  {fingerprint[:12]}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
