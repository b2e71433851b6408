"""The EchoNet-LVH reader: both header spellings, joints, every fault at once."""

import os
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

from echolib.data import DataError, EchoNetLVH

# Bottom to top along x = 100: posterior wall 200-180, cavity 180-90, septum 90-70 (pixels), 0.05 cm a pixel.
WALL, CAVITY, SEPTUM = (100, 200, 100, 180), (100, 180, 100, 90), (100, 90, 100, 70)


def row(video, calc, points, frame=7, split="train", frames="60"):
    x1, y1, x2, y2 = points
    length = 0.05 * np.hypot(x2 - x1, y2 - y1)
    return [video, calc, round(length, 6), frame, x1, x2, y1, y2, frames, 50, 1024, 768, split]


def write(root, rows, frames="Frames", split="split"):
    columns = [
        "HashedFileName",
        "Calc",
        "CalcValue",
        "Frame",
        "X1",
        "X2",
        "Y1",
        "Y2",
        frames,
        "FPS",
        "Width",
        "Height",
        split,
    ]
    root.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=columns).to_csv(root / "MeasurementsList.csv")  # with the unnamed index
    for number, name in enumerate(sorted({row[0] for row in rows}), 1):
        folder = root / f"Batch{number % 4 + 1}"
        folder.mkdir(exist_ok=True, parents=True)
        (folder / f"{name}.avi").write_bytes(f"not decoded by the reader: {name}".encode())
    return root


def three(video, phase="d", frame=7, **more):
    return [
        row(video, f"{measure}{phase}", points, frame, **more)
        for measure, points in (("LVPW", WALL), ("LVID", CAVITY), ("IVS", SEPTUM))
    ]


def refusal(root) -> str:
    with pytest.raises(DataError) as caught:
        EchoNetLVH(root)
    return str(caught.value)


@pytest.mark.parametrize("header", [("Frames", "split"), ("NumFrames", "Split")])
def test_tables(tmp_path, header):
    rows = three("A") + three("A", "s", 20) + three("B", split="VAL") + [row("C", "LVIDd", CAVITY, split="test")]
    dataset = EchoNetLVH(write(tmp_path, rows, *header))
    assert dataset.videos["video"].tolist() == ["A", "B", "C"]
    assert dataset.videos["split"].tolist() == ["train", "val", "test"]
    assert dataset.videos[["fps", "frames", "height", "width"]].drop_duplicates().to_numpy().tolist() == [
        [50, 60, 768, 1024]
    ]
    assert os.path.isfile(dataset.videos["path"][1])
    first = dataset.measurements.iloc[1]
    assert (first.video, first.frame, first.measure, first.phase) == ("A", 7, "LVID", "ED")
    assert first.length_cm == pytest.approx(4.5) and (first.x1, first.y1, first.x2, first.y2) == CAVITY
    assert dataset.keypoints[["video", "frame", "phase", "split"]].to_numpy().tolist() == [
        ["A", 7, "ED", "train"], ["A", 20, "ES", "train"], ["B", 7, "ED", "val"],
    ]  # fmt: skip
    np.testing.assert_array_equal(dataset.keypoints["points"][0], [[100, 200], [100, 180], [100, 90], [100, 70]])
    assert dataset.keypoints["points"][0].dtype == np.float32
    assert dataset.keypoints["cm_per_px"].tolist() == pytest.approx([0.05] * 3)


def test_joints_are_averaged(tmp_path):
    rows = three("A")
    rows[1] = row("A", "LVIDd", (102, 181, 100, 92))
    points = EchoNetLVH(write(tmp_path, rows)).keypoints["points"][0]
    np.testing.assert_allclose(points, [[100, 200], [101, 180.5], [100, 91], [100, 70]])


@pytest.mark.parametrize(("gap", "kept"), [(3.0, 1), (3.1, 0)])
def test_gaps_of_more_than_three_pixels_are_dropped(tmp_path, gap, kept):
    rows = three("A")
    rows[2] = row("A", "IVSd", (100 + gap, 90, 100, 70))
    expected = nullcontext() if kept else pytest.warns(UserWarning, match="from 1 of 1 frames, .* 3 px: A frame 7$")
    with expected:
        dataset = EchoNetLVH(write(tmp_path, rows))
    assert len(dataset.keypoints) == kept and len(dataset.measurements) == 3


def test_all_three_must_be_on_one_frame_and_in_one_phase(tmp_path):
    late, mixed, lacking = three("A"), three("B"), three("C")[:2]
    late[0] = row("A", "LVPWd", WALL, frame=8)
    mixed[0] = row("B", "LVPWs", WALL)
    dataset = EchoNetLVH(write(tmp_path, late + mixed + lacking))
    assert len(dataset.keypoints) == 0 and len(dataset.videos) == 3


def test_frames_that_are_no_number_and_suffixes_are_accepted(tmp_path):
    rows = three("A", frames="unknown")
    root = write(tmp_path, rows)
    path = root / "MeasurementsList.csv"
    path.write_text(path.read_text().replace(",A,", ",A.avi,", 1))
    dataset = EchoNetLVH(root)
    assert dataset.videos["frames"].tolist() == [0] and dataset.videos["video"].tolist() == ["A"]


def test_every_bad_row_is_in_one_error(tmp_path):
    rows = three("A") + three("B") + [row("A", "AoRootd", WALL), row("A", "IVSs", SEPTUM, frame=60)]
    rows += [
        row("B", "LVIDs", CAVITY, frame=-1),
        row("B", "IVSs", SEPTUM, split="test"),
        row("C", "IVSd", SEPTUM, split="x"),
    ]
    rows[0][2], rows[1][4], rows[2][11] = -0.1, "left", 512
    root = write(tmp_path, rows)
    for path in root.glob("Batch*/C.avi"):
        path.unlink()
    text = refusal(root)
    for part in (
        "row 2: CalcValue of A is -0.1", "row 3: a coordinate of A LVIDd", "row 4: Height of A is 512, not as before",
        "row 8: Calc of A is AoRootd", "row 9: Frame 60 is past the last one of A (60 frames)",
        "row 10: Frame -1 of B", "row 11: Split of B is test, not as before", "row 12: Split is x", "C.avi is missing",
    ):  # fmt: skip
        assert part in text, part
    assert "9 faults" in text


@pytest.mark.parametrize("name", ["../A", "/etc/passwd", ".."])
def test_names_that_leave_the_folder(tmp_path, name):
    root = write(tmp_path, three("A"))
    path = root / "MeasurementsList.csv"
    path.write_text(path.read_text().replace(",A,", f",{name},", 1))
    assert f"row 2: HashedFileName {name} is not a plain file name" in refusal(root)


def test_a_video_in_two_batches(tmp_path):
    root = write(tmp_path, three("A"))
    (root / "Batch4").mkdir()
    (root / "Batch4" / "A.avi").write_bytes(b"another")
    assert "A.avi is in both" in refusal(root)


def test_links_missing_columns_and_folders(tmp_path):
    assert "MeasurementsList.csv is missing" in refusal(tmp_path)
    root = write(tmp_path / "lvh", three("A"))
    video = next(root.glob("Batch*/A.avi"))
    video.rename(tmp_path / "A.avi")
    os.symlink(tmp_path / "A.avi", video)
    assert "is a link that leads out of" in refusal(root)
    path = root / "MeasurementsList.csv"
    path.write_text(path.read_text().replace("split", "fold"))
    assert "has no column split or Split" in refusal(root)
