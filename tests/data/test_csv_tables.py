"""Tables and lists that are no such thing, or hold what cannot be: every bad row in one error that can be read."""

import os
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from echolib.data import DataError, EchoNetDynamic, EchoNetLVH
from echolib.data import checks as checks_module
from echolib.data.checks import check_one_split, read_csv
from echolib.data.dataset_entry import DatasetEntry, Options
from echolib.data.errors import Faults, TableFaults, shortened
from tests.data.made import change, half_ellipse, tracing_rows


def refusal(read, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        read(*arguments)
    return str(caught.value)


def table(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("a, b ,b\n1,2,3\n", "has several columns called b: keep one"),
        ("a,b\n1,2,\n3,4\n", "row 2: has 3 fields, the header 2"),
        (
            "a,b\n1,2\n3\n4,5\n6,7,8\n",
            "2 faults\n  table.csv row 3: has 1 fields, the header 2\n  table.csv row 5: has 3",
        ),
        ("a,b\n1,2\n\n3,4\n", "row 3: has 0 fields"),
        ("a,b\n", "holds no row below its header"),
        ("a,b\n\n\n", "holds no row below its header"),
        ('a,b\n1,"2\n3,4\n', "not a readable CSV table (line 3: unexpected end of data)"),
        ('a,b\n1,"2"x\n', "not a readable CSV table (line 2"),
        (b"a,b\n\xff,2\n", "is no UTF-8 text (at byte 4)"),
        (b"a,b\n1,\0\n", "is no text (it holds a zero byte)"),
        ("a\n1\n", "has no column b (it has a)"),
        ("", "is not a readable CSV table (it is empty)"),
    ],
)
def test_tables_that_are_none(tmp_path, content, match):
    path = table(tmp_path, content)
    text = refusal(read_csv, path, ["a", "b"])
    assert match in text and str(path) in text


@pytest.mark.parametrize("content", ['a , b\r\n1,"x, y"\r\n', '\ufeffa,b\n1,"x, y"\n\n\n', 'a,b\n1,"x, y"'])
def test_tables_that_are_some(tmp_path, content):
    read = read_csv(table(tmp_path, content), ["a", "b"])
    assert read.to_dict("list") == {"a": [1], "b": ["x, y"]} and read.index.tolist() == [2]


def test_a_table_that_cannot_be_opened(tmp_path, monkeypatch):
    def locked(*_):
        raise PermissionError(13, "Permission denied")

    path = table(tmp_path, "a\n1\n")
    monkeypatch.setattr("pathlib.Path.read_bytes", locked)
    assert "table.csv cannot be read (Permission denied)" in refusal(read_csv, path, ["a"])


def test_one_trailing_comma_does_not_drop_the_tracings(echonet_root):
    path = echonet_root / "VolumeTracings.csv"
    lines = path.read_text().split("\n")
    lines[1] += ","
    path.write_text("\n".join(lines))
    assert "VolumeTracings.csv row 2: has 7 fields, the header 6" in refusal(EchoNetDynamic, echonet_root)


def test_tracings_of_other_videos_than_the_listed(echonet_root):
    path = echonet_root / "VolumeTracings.csv"
    path.write_text(path.read_text().replace("V", "W"))
    text = refusal(EchoNetDynamic, echonet_root)
    assert "traces videos that FileList.csv lacks: W0, W1, W2 (3 of 3)" in text


@pytest.mark.parametrize(
    ("cells", "match"),
    [
        ({"EF": {0: ".5", 1: ".6", 2: "1"}}, "no EF is above 1, the largest is 1: they are fractions, multiply by 100"),
        ({"ESV": {1: "80"}}, "row 3: EDV of V1 is 80.0, not above its ESV of 80.0 mL: are they swapped?"),
        ({"ESV": {1: "90"}}, "are they swapped?"),
    ],
)
def test_implausible_videos(echonet_root, cells, match):
    change(echonet_root / "FileList.csv", **cells)
    text = refusal(EchoNetDynamic, echonet_root)
    assert match in text and "1 fault" in text


@pytest.mark.parametrize("value", ["4000", "-1e30", "117.7", "-5.7"])
@pytest.mark.parametrize("column", ["X1", "Y2"])
def test_points_outside_of_the_picture(echonet_root, column, value):
    change(echonet_root / "VolumeTracings.csv", **{column: {5: value}})
    text = refusal(EchoNetDynamic, echonet_root)
    assert "row 7: a point of V0.avi, frame 3, lies outside of the picture" in text and "1 fault" in text


def test_observers_may_overshoot_a_little(echonet_root):
    change(echonet_root / "VolumeTracings.csv", X1={5: "-5.5"}, Y2={5: "117.5"})
    assert len(EchoNetDynamic(echonet_root).tracings) == 5


def test_a_tracing_without_area(echonet_root):
    path = echonet_root / "VolumeTracings.csv"
    kept = pd.read_csv(path).iloc[:-21]
    flat = half_ellipse(60, 0)
    pd.concat([kept, tracing_rows("V2", 0, flat)]).to_csv(path, index=False)
    assert "the tracing of V2, frame 0, encloses no area" in refusal(EchoNetDynamic, echonet_root)


def test_one_video_under_two_names(echonet_root):
    videos = echonet_root / "Videos"
    (videos / "V2.avi").write_bytes((videos / "V0.avi").read_bytes())
    text = refusal(EchoNetDynamic, echonet_root)
    assert "V2.avi (test) and V0.avi (train) are one file" in text and "1 fault" in text
    change(echonet_root / "FileList.csv", Split={2: "TRAIN"})
    assert len(EchoNetDynamic(echonet_root).videos) == 3  # a repetition, but nobody is tested on what was learnt


def test_contents_are_compared_to_their_end_and_only_at_equal_size(tmp_path, monkeypatch):
    contents = {"a": b"x" * 70_000 + b"1", "b": b"x" * 70_000 + b"2", "c": b"x" * 70_000 + b"1", "d": b"", "e": b"",
                "f": b"another size"}  # fmt: skip
    paths = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        paths.append(str(tmp_path / name))
    opened, head = [], checks_module._head_sha256
    monkeypatch.setattr(
        checks_module, "_head_sha256", lambda path: (opened.append(os.path.basename(path)), head(path))[1]
    )
    faults = Faults("files", "")
    check_one_split(faults, [*paths, None], ["train", "val", "test", "train", "test", "val", "train"])
    assert faults.lines == ["c (test) and a (train) are one file"]
    assert set(opened) == {"a", "b", "c"}
    check_one_split(faults, [str(tmp_path / "none")], ["train"])
    assert "none cannot be read (No such file" in faults.lines[-1]


def entry(splits):
    def items(tables, options):
        names = [f"P{number}" for number in range(len(splits))]
        return pd.DataFrame({"name": names, "person": names, "split": splits, "path": names})

    return DatasetEntry("made", "Made up", "", "", "", str, (), (), items)


def test_what_is_learnt_from_needs_all_splits():
    text = refusal(entry(["train", "train", "test"]).rows, None, Options())
    assert "Made up: 3 items, none of them in the split val" in text
    assert "val or test" in refusal(entry(["train"]).rows, None, Options())
    for readable in (["train", "val", "test"], ["test"], ["", ""]):
        assert len(entry(readable).rows(None, Options())) == len(readable)


def lvh(root, *changes):
    """Four videos of which each carries the three measures of one frame; each change sets a column of one row."""
    rows = []
    for name, split in (("A", "train"), ("B", "val"), ("C", "test"), ("D", "train")):
        for calc, low, high in (("LVPWd", 200, 180), ("LVIDd", 180, 90), ("IVSd", 90, 70)):
            rows.append([name, calc, 0.05 * (low - high), 7, 100, 100, low, high, 60, 50, 300, 256, split])
        (root / "Batch1").mkdir(exist_ok=True)
        (root / "Batch1" / f"{name}.avi").write_bytes(name.encode())
    columns = ["HashedFileName", "Calc", "CalcValue", "Frame", "X1", "X2", "Y1", "Y2", "Frames", "FPS", "Width",
               "Height", "split"]  # fmt: skip
    made = pd.DataFrame(rows, columns=columns).astype(object)
    for row, column, value in changes:
        made.loc[row, column] = value
    made.to_csv(root / "MeasurementsList.csv")
    return root


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ([(1, "X2", 400)], "row 3: a point of A LVIDd lies outside of the picture"),
        ([(1, "Y1", -300)], "row 3: a point of A LVIDd lies outside of the picture"),
        ([(1, "CalcValue", 45)], "row 3: CalcValue of A is 45.0, not within 0.05 to 15 cm"),
        ([(1, "CalcValue", 0.5)], "row 3: CalcValue of A LVIDd is 0.5 cm, which does not fit its points"),
        ([(1, "CalcValue", 14)], "row 3: CalcValue of A LVIDd is 14.0 cm, which does not fit its points"),
        ([(1, "Calc", "LVPWd")], "row 2: LVPWd of A, frame 7, is there more than once with other values"),
    ],
)
def test_implausible_measurements(tmp_path, changes, match):
    assert match in refusal(EchoNetLVH, lvh(tmp_path, *changes))


def test_one_file_of_lvh_in_two_splits(tmp_path):
    root = lvh(tmp_path)
    (root / "Batch1" / "C.avi").write_bytes(b"A")
    assert "C.avi (test) and A.avi (train) are one file" in refusal(EchoNetLVH, root)


def test_a_repeated_measurement_is_no_contradiction(tmp_path):
    path = lvh(tmp_path) / "MeasurementsList.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    assert len(EchoNetLVH(tmp_path).keypoints) == 4


def test_a_million_bad_rows(tmp_path):
    rows = 1_000_000
    faults = TableFaults("VolumeTracings.csv", pd.DataFrame({"FileName": ["0X1A2B3C4D5E6F"] * rows, "Frame": 7}), "fix")
    tracemalloc.start()
    try:
        start = time.perf_counter()
        faults.where(pd.Series(np.ones(rows, bool)), "Frame {Frame} of {FileName} is past its end")
        text = refusal(faults.raise_any)
        assert time.perf_counter() - start < 30
        assert tracemalloc.get_traced_memory()[1] < 600 << 20
    finally:
        tracemalloc.stop()
    assert len(text) < 10_000 and len(text.splitlines()) <= 50 and f"{rows} faults" in text
    place = next((tmp_path / "home" / "runs" / "faults").iterdir())
    assert str(place) in text and "Fix: fix" in text
    with place.open() as file:
        lines = file.read().splitlines()
    assert (
        len(lines) == rows + 1
        and lines[rows] == "VolumeTracings.csv row 999999: Frame 7 of 0X1A2B3C4D5E6F is past its end"
    )


@pytest.mark.parametrize("home", ["missing", "a file"])
def test_faults_find_a_place_without_a_home(tmp_path, monkeypatch, home):
    monkeypatch.delenv("ECHOLIB_HOME")
    monkeypatch.chdir(tmp_path)
    if home == "a file":
        (tmp_path / "home").write_text("")
        monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    faults = Faults("files", "fix")
    faults.extend(f"fault {number}" for number in range(60))
    text = refusal(faults.raise_any)
    [place] = tmp_path.glob("echolib-faults-*.txt")
    assert str(place) in text and place.stat().st_mode & 0o077 == 0 and "fault 59" in place.read_text()


def test_lines_are_short():
    faults = Faults("files " + "x" * 5000, "fix")
    faults.extend(["a" * 5000 + "\n" + "b" * 5000] * 30)
    text = refusal(faults.raise_any)
    assert len(text) < 10_000 and max(map(len, text.splitlines())) <= 500 and "lists them all" in text
    assert shortened("short\nlines") == "short lines"
    assert shortened("x" * 300 + "y" * 300, 21) == "xxxxxxxx ... yyyyyyyy"


def test_a_name_of_five_thousand_characters(echonet_root):
    name = "N" * 5000
    change(echonet_root / "FileList.csv", FileName={0: name})
    with pytest.warns(UserWarning, match="lacks: V0"):
        text = refusal(EchoNetDynamic, echonet_root)
    assert "is missing" in text and len(text) < 2000


def test_names_beyond_ascii(echonet_root):
    for file in ("FileList.csv", "VolumeTracings.csv"):
        path = echonet_root / file
        path.write_text(path.read_text().replace("V0", "Häst 日本"), encoding="utf-8")
    (echonet_root / "Videos" / "V0.avi").rename(echonet_root / "Videos" / "Häst 日本.avi")
    assert EchoNetDynamic(echonet_root).videos["video"][0] == "Häst 日本"


def test_a_folder_among_the_videos(echonet_root):
    (echonet_root / "Videos" / "V0.avi").unlink()
    (echonet_root / "Videos" / "V0.avi").mkdir()
    assert "V0.avi is missing" in refusal(EchoNetDynamic, echonet_root)
