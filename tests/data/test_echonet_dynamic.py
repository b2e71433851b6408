"""The EchoNet-Dynamic reader: its tables, and every fault of the files named at once."""

import os

import numpy as np
import pandas as pd
import pytest

from echolib.data import DataError, EchoNetDynamic
from tests.data.made import change, half_ellipse, tracing_rows


def refusal(root) -> str:
    with pytest.raises(DataError) as caught:
        EchoNetDynamic(root)
    return str(caught.value)


def test_videos_table(echonet_root):
    videos = EchoNetDynamic(echonet_root).videos
    assert videos["video"].tolist() == ["V0", "V1", "V2"]
    assert videos["split"].tolist() == ["train", "val", "test"]
    assert videos["ef_percent"].tolist() == [50.0, 51.0, 52.0]
    assert videos["traced"].tolist() == [2, 2, 1]
    assert videos["path"].tolist() == [str(echonet_root / "Videos" / f"V{i}.avi") for i in range(3)]
    assert videos[["frames", "height", "width"]].to_numpy().tolist() == [[30, 112, 112]] * 3


def test_phase_is_decided_by_area_not_by_order(echonet_root):
    tracings = EchoNetDynamic(echonet_root).tracings.set_index(["video", "frame"])
    assert tracings["phase"].to_dict() == {
        ("V0", 3): "ED", ("V0", 12): "ES", ("V1", 5): "ES", ("V1", 20): "ED", ("V2", 0): "",
    }  # fmt: skip
    tracing = tracings.loc[("V0", 3), "tracing"]
    assert tracing.shape == (21, 4) and tracing.dtype == np.float32
    np.testing.assert_allclose(tracing, half_ellipse(60, 20), rtol=1e-6)


def test_area_is_that_of_the_polygon(echonet_root):
    skimage_draw = pytest.importorskip("skimage.draw")
    row = EchoNetDynamic(echonet_root).tracings.iloc[0]
    chords = row.tracing[1:]
    y = np.concatenate([chords[:, 1], chords[::-1, 3]]) * 20
    x = np.concatenate([chords[:, 0], chords[::-1, 2]]) * 20
    assert row.area_px == pytest.approx(
        skimage_draw.polygon2mask((2240, 2240), np.stack([y, x], 1)).sum() / 400, rel=2e-3
    )


def test_suffixes_and_letter_case_are_accepted(echonet_root):
    expected = EchoNetDynamic(echonet_root).videos
    change(echonet_root / "FileList.csv", FileName={0: "V0.avi", 2: "V2.AVI"}, Split={0: "train", 1: "Val"})
    pd.testing.assert_frame_equal(EchoNetDynamic(echonet_root).videos, expected)


def test_every_bad_row_is_in_one_error(echonet_root):
    change(
        echonet_root / "FileList.csv", EF={0: "", 1: "-500", 2: "nan"}, ESV={0: "0"}, FPS={1: "fast"},
        NumberOfFrames={2: "29.5"}, FrameWidth={1: "-1"}, Split={1: "HOLDOUT"},
    )  # fmt: skip
    text = refusal(echonet_root)
    parts = ["row 2: EF of V0", "row 3: EF of V1 is -500", "row 4: EF of V2 is nan", "row 2: ESV of V0"]
    parts += ["row 3: FPS of V1 is fast", "row 4: NumberOfFrames of V2 is 29.5", "row 3: FrameWidth of V1 is -1"]
    parts += ["row 3: Split is HOLDOUT"]
    for part in parts:
        assert part in text, part
    assert "8 faults" in text and "Fix:" in text


def test_an_ef_that_is_not_that_of_its_volumes_is_said(echonet_root):
    change(echonet_root / "FileList.csv", EF={1: "15.0"}, ESV={2: "10"})
    with pytest.warns(UserWarning, match=r"of ESV and EDV in 2 rows, such as row 3 \(V1\), row 4 \(V2\)"):
        EchoNetDynamic(echonet_root)


@pytest.mark.parametrize(("names", "splits"), [({1: "V0"}, {1: "TRAIN"}), ({1: "V0.avi"}, {}), ({2: "V0"}, {})])
def test_duplicates_within_and_across_splits(echonet_root, names, splits):
    change(echonet_root / "FileList.csv", FileName=names, Split=splits)
    with pytest.warns(UserWarning, match="FileList.csv lacks"):  # the tracings of the name that was overwritten
        text = refusal(echonet_root)
    assert "row 2: FileName V0 is listed more than once (Split TRAIN)" in text
    assert f"row {2 + min(names)}: FileName {names[min(names)]} is listed more than once" in text


def test_tracing_past_the_last_frame(echonet_root):
    change(echonet_root / "VolumeTracings.csv", Frame=dict.fromkeys(range(21), "30"))
    text = refusal(echonet_root)
    assert text.count("Frame 30 is past the last frame (29) of V0") == 21
    assert "VolumeTracings.csv row 2:" in text and "row 22:" in text


def test_tracing_cells_that_are_no_numbers(echonet_root):
    change(echonet_root / "VolumeTracings.csv", X1={4: "left"}, Y2={30: ""}, Frame={50: "-1", 51: "No Systolic"})
    text = refusal(echonet_root)
    for row in (
        "row 6: a coordinate of V0",
        "row 32: a coordinate of V0",
        "row 52: Frame -1",
        "row 53: Frame No Systolic",
    ):
        assert row in text, row


def test_several_observers_on_one_frame(echonet_root):
    path = echonet_root / "VolumeTracings.csv"
    extra = tracing_rows("V0", 3, half_ellipse(70, 30))
    pd.concat([pd.read_csv(path), extra]).to_csv(path, index=False)
    dataset = EchoNetDynamic(echonet_root)
    first = dataset.tracings[dataset.tracings["video"] == "V0"]
    assert first["frame"].tolist() == [3, 3, 12]
    assert first["phase"].tolist() == ["ED", "", "ES"]  # the first observer's, although the second traced more
    assert dataset.videos["traced"].tolist() == [2, 2, 1]


@pytest.mark.parametrize(("rows", "chords"), [(18, 17), (41, 20)])
def test_tracings_of_another_length_are_made_regular(echonet_root, rows, chords):
    path = echonet_root / "VolumeTracings.csv"
    table = pd.read_csv(path)
    tracing = tracing_rows("V2", 0, np.concatenate([half_ellipse(60, 20), half_ellipse(50, 15)])[:rows])
    pd.concat([table[table["FileName"] != "V2.avi"], tracing]).to_csv(path, index=False)
    with pytest.warns(UserWarning, match=rf"V2 frame 0 \({rows}\)"):
        made = EchoNetDynamic(echonet_root).tracings.set_index("video").loc["V2", "tracing"]
    ends = half_ellipse(60, 20)[[0, 1, chords]]
    np.testing.assert_allclose(made[[0, 1, 20]], ends, rtol=1e-6)
    assert made.shape == (21, 4) and (np.diff(made[1:, 1]) > 0).all()


def test_a_tracing_of_few_rows_is_refused(echonet_root):
    path = echonet_root / "VolumeTracings.csv"
    pd.read_csv(path).iloc[:-10].to_csv(path, index=False)
    assert "the tracing of V2.avi, frame 0, has 11 rows, fewer than 12" in refusal(echonet_root)


def test_traced_video_that_is_not_listed_is_left_out(echonet_root):
    path = echonet_root / "VolumeTracings.csv"
    pd.concat([pd.read_csv(path), tracing_rows("GONE", 0, half_ellipse(60, 20))]).to_csv(path, index=False)
    with pytest.warns(UserWarning, match="lacks: GONE"):
        dataset = EchoNetDynamic(echonet_root)
    assert "GONE" not in set(dataset.tracings["video"])


def test_all_missing_videos_are_listed(echonet_root):
    for name in ("V0", "V2"):
        (echonet_root / "Videos" / f"{name}.avi").unlink()
    text = refusal(echonet_root)
    assert "V0.avi is missing" in text and "V2.avi is missing" in text and "V1.avi" not in text


@pytest.mark.parametrize("name", ["../V0", "/etc/passwd", "a/b", "..", "C:\\x", ""])
def test_names_that_leave_the_folder(echonet_root, name):
    change(echonet_root / "FileList.csv", FileName={0: name})
    with pytest.warns(UserWarning, match="FileList.csv lacks"):
        assert "row 2: FileName" in refusal(echonet_root)


def test_links_that_leave_the_folder(echonet_root, tmp_path):
    outside = tmp_path / "outside.avi"
    outside.write_bytes(b"secret")
    (echonet_root / "Videos" / "V0.avi").unlink()
    os.symlink(outside, echonet_root / "Videos" / "V0.avi")
    assert "V0.avi is a link that leads out of" in refusal(echonet_root)


def test_a_linked_videos_folder_outside_is_refused_and_a_linked_root_is_not(echonet_root, tmp_path):
    os.symlink(echonet_root, tmp_path / "link")
    assert len(EchoNetDynamic(tmp_path / "link").videos) == 3
    (echonet_root / "Videos").rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", echonet_root / "Videos")
    assert refusal(echonet_root).count("is a link that leads out of") == 3


def test_files_that_are_missing_or_no_tables(echonet_root, tmp_path):
    assert "FileList.csv is missing" in refusal(tmp_path)
    path = echonet_root / "FileList.csv"
    path.write_text(path.read_text().replace("EF,", "LVEF,"))
    assert "has no column EF" in refusal(echonet_root)
    path.write_bytes(b"")
    assert "not a readable CSV table" in refusal(echonet_root)


def test_ten_thousand_videos_are_read_without_opening_one(tmp_path):
    count = 10_030
    (tmp_path / "Videos").mkdir()
    names = [f"0X{i:016X}" for i in range(count)]
    for name in names:
        (tmp_path / "Videos" / f"{name}.avi").touch()
    pd.DataFrame(
        {"FileName": names, "EF": 55.0, "ESV": 40.0, "EDV": 90.0, "FrameHeight": 112, "FrameWidth": 112, "FPS": 50}
        | {"NumberOfFrames": 60, "Split": "TRAIN"}
    ).to_csv(tmp_path / "FileList.csv", index=False)
    rows = np.tile(np.concatenate([half_ellipse(60, 20), half_ellipse(45, 12)]), (count, 1))
    table = pd.DataFrame(rows, columns=["X1", "Y1", "X2", "Y2"])
    table.insert(0, "FileName", np.repeat(names, 42))
    table.assign(Frame=np.tile(np.repeat([4, 20], 21), count)).to_csv(tmp_path / "VolumeTracings.csv", index=False)
    dataset = EchoNetDynamic(tmp_path)
    assert dataset.tracings["phase"].tolist() == ["ED", "ES"] * count
    assert (dataset.videos["traced"] == 2).all()
