"""SHA256SUMS beside a dataset: written on request, honoured wherever a file is used."""

import shutil
import subprocess
from functools import partial

import numpy as np
import pytest

from echolib.data import DataError, FrameStore
from echolib.data.checksums import SUMS, Checksums, check_folder, write_checksums
from echolib.data.image import image_frames
from echolib.data.registry import entry
from echolib.data.selection import DataSelection
from echolib.data.store.decoding import Expected
from echolib.data.store.manifest import Stamp


@pytest.fixture
def folder(tmp_path):
    for name in ("a.csv", "Videos/b.avi", "Videos/c d.avi"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text(name)
    write_checksums(tmp_path / "set")
    return tmp_path / "set"


@pytest.fixture
def camus(phantom, tmp_path):
    """A copy of the phantom's CAMUS, with its SHA256SUMS."""
    shutil.copytree(phantom / "CAMUS", tmp_path / "CAMUS")
    return tmp_path / "CAMUS"


def refusal(act) -> str:
    with pytest.raises(DataError) as caught:
        act()
    return str(caught.value)


def test_it_is_what_sha256sum_writes_and_checks(folder):
    if not shutil.which("sha256sum"):
        pytest.skip("sha256sum is not here")
    done = subprocess.run(["sha256sum", "--strict", "--check", SUMS], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout.count(b": OK") == 3
    listed = subprocess.run(
        ["sha256sum", "a.csv", "Videos/b.avi"], cwd=folder, capture_output=True, text=True, check=True
    )
    (folder / SUMS).write_text(listed.stdout)
    Checksums(folder).check([folder / "a.csv"])


def test_everything_that_differs_is_named_at_once(folder):
    check_folder(folder)
    (folder / "a.csv").write_text("A.csv")
    (folder / "Videos" / "b.avi").unlink()
    (folder / "Videos" / "new.avi").write_text("new")
    text = refusal(lambda: check_folder(folder))
    for part in ("a.csv has another hash", "Videos/b.avi is missing", "new.avi is not listed", "3 faults"):
        assert part in text, part
    assert "c d.avi" not in text


@pytest.mark.parametrize(
    "line", ["nonsense", "0" * 63 + "  a.csv", "0" * 64 + "  /etc/passwd", "0" * 64 + "  ../a", "0" * 64 + "  a.csv"]
)
def test_lines_that_are_none_are_refused(folder, line):
    with (folder / SUMS).open("a") as sums:
        sums.write(line + "\n")
    assert "row 4" in refusal(lambda: Checksums(folder))


def test_a_list_that_is_empty_or_no_text_is_refused(folder):
    (folder / SUMS).write_bytes(b"")
    assert "names no file" in refusal(lambda: Checksums(folder))
    (folder / SUMS).write_bytes(b"\xff\xfe")
    assert "cannot be read" in refusal(lambda: Checksums(folder))


def test_without_a_list_nothing_is_checked_but_a_check_of_the_folder_says_so(folder):
    (folder / SUMS).unlink()
    Checksums(folder).check([folder / "a.csv"])
    assert Checksums(folder).expected(folder / "a.csv") is None
    assert "has no SHA256SUMS" in refusal(lambda: check_folder(folder))
    assert "holds no file" in refusal(lambda: write_checksums(folder / "Videos" / "none"))


def test_a_changed_label_is_refused_before_it_is_read(camus):
    cfg = sorted(camus.glob("database_nifti/patient*/Info_4CH.cfg"))[0]
    before = cfg.read_text()
    cfg.write_text(before.replace("Sex: M", "Sex: F") if "Sex: M" in before else before.replace("Sex: F", "Sex: M"))
    assert f"{cfg} has another hash" in refusal(DataSelection(dataset="camus", folder=camus).items)
    write_checksums(camus)  # on request
    assert len(DataSelection(dataset="camus", folder=camus).items())


@pytest.mark.parametrize("suffix", ["_4CH_ED.nii.gz", "_4CH_ED_gt.nii.gz"])
def test_a_changed_image_is_refused_before_it_is_decoded(camus, tmp_path, suffix):
    image = sorted(camus.glob(f"database_nifti/patient*/*{suffix}"))[0]
    other = sorted(camus.glob(f"database_nifti/patient*/*{suffix}"))[1]
    selection = DataSelection(dataset="camus", folder=camus, size=(32, 32))
    selection.open(tmp_path / "cache")
    shutil.copyfile(other, image)  # a whole image, but not this patient's
    again = DataSelection(dataset="camus", folder=camus, size=(32, 32), options=entry("camus").options())
    from echolib.data import selection as module

    module._open.cache_clear()
    assert f"{image} has another hash than SHA256SUMS says" in refusal(lambda: again.open(tmp_path / "cache"))


def test_a_store_built_without_a_list_is_held_to_one_that_came_later(camus, tmp_path):
    from echolib.data import selection as module

    (camus / SUMS).rename(tmp_path / SUMS)
    selection = DataSelection(dataset="camus", folder=camus, size=(32, 32))
    image = sorted(camus.glob("database_nifti/patient*/*_4CH_ED.nii.gz"))
    shutil.copyfile(image[1], image[0])
    selection.open(tmp_path / "cache")
    (tmp_path / SUMS).rename(camus / SUMS)
    module._open.cache_clear()
    assert "has another hash" in refusal(lambda: selection.open(tmp_path / "cache"))


def test_the_voxels_beside_a_header_are_part_of_its_source(tmp_path):
    """A .mhd says nothing of its pixels: another .raw under the same header is another source."""
    simple_itk = pytest.importorskip("SimpleITK")
    header, voxels = tmp_path / "set" / "a.mhd", tmp_path / "set" / "a.raw"
    header.parent.mkdir()
    simple_itk.WriteImage(simple_itk.GetImageFromArray(np.full((6, 5), 7, "uint8")), str(header))
    write_checksums(header.parent)
    sums, before = Checksums(header.parent), Stamp.of(header)
    build = partial(FrameStore.build, tmp_path / "store", {"a": header}, read=image_frames, progress=False)
    expected = {"a": Expected(sha256=sums.expected(header))}
    assert build(expected=expected).frames("a").max() == 7
    voxels.write_bytes(bytes(30))
    assert Stamp.of(header) != before
    assert "a.mhd has another hash" in refusal(lambda: build(expected=expected))
    with pytest.warns(UserWarning, match="changed since they were decoded: decoded again: a$"):
        assert build().frames("a").max() == 0
    header.write_text("no header")
    assert Stamp.of(header).bytes == 9
