"""Small made-up datasets in the formats of the real ones."""

import pandas as pd
import pytest

from tests.data.made import half_ellipse, tracing_rows


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """Long lists of faults are written below a home: no test's goes into the clone."""
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path / "home"))


@pytest.fixture
def echonet_root(tmp_path):
    """An EchoNet-Dynamic folder of three videos; the ED of V1 comes after its ES."""
    root = tmp_path / "EchoNet-Dynamic"
    (root / "Videos").mkdir(parents=True)
    rows = []
    for place, split in enumerate(["TRAIN", "VAL", "TEST"]):
        (root / "Videos" / f"V{place}.avi").write_bytes(b"not decoded by the reader: %d" % place)
        rows.append([f"V{place}", 50.0 + place, 40.0, 80.0, 112, 112, 50, 30, split])
    columns = ["FileName", "EF", "ESV", "EDV", "FrameHeight", "FrameWidth", "FPS", "NumberOfFrames", "Split"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "FileList.csv", index=False)
    large, small = half_ellipse(60, 20), half_ellipse(45, 12)
    tracings = [("V0", 3, large), ("V0", 12, small), ("V1", 5, small), ("V1", 20, large), ("V2", 0, large)]
    tables = [tracing_rows(name, frame, tracing) for name, frame, tracing in tracings]
    pd.concat(tables).to_csv(root / "VolumeTracings.csv", index=False)
    return root
