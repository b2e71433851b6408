"""Selections: their options, what they open, and the fingerprint that needs no decoding."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from echolib.data import DataError, DataSelection, EchoNetDynamic, dataset_names, entry
from echolib.data.fingerprint import data_fingerprint
from tests.data.made import change


def videos(folder, **fields) -> DataSelection:
    return DataSelection(dataset="echonet_dynamic", folder=folder, size=(112, 112), **fields)


@pytest.mark.parametrize("name", dataset_names())
def test_every_entry_says_what_a_person_and_a_loader_ask(name):
    known = entry(name)
    assert known.name == name and known.reader.__module__ == known.module
    assert all([known.title, known.licence, known.citation, known.layout, known.label_files, known.image_folders])
    assert known.structures or known.keypoints


def test_listing_and_finding_datasets_needs_no_library_that_reads_them():
    code = (
        "import sys, echolib.folders, echolib.phantom.writers.missing; from echolib.data.readers import dataset_names\n"
        "assert len(dataset_names()) == 3; heavy = {'torch', 'pandas', 'numpy', 'pydantic', 'av'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from echolib.data.readers import entry; [entry(name) for name in dataset_names()]\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_options_are_those_of_the_dataset(tmp_path):
    plain, split = DataSelection(dataset="camus", folder=tmp_path), {"fold": None, "population": "natural"}
    assert plain.options.model_dump() == {"views": ("4CH",), "sequences": False} | split
    assert plain == DataSelection(dataset="camus", folder=tmp_path, options={"views": ["4CH"]})
    both = plain.choosing(views=("2CH", "4CH"))
    assert both.choosing(sequences=True).options.model_dump() == {"views": ("2CH", "4CH"), "sequences": True} | split
    assert DataSelection.model_validate({**both.model_dump(), "folder": tmp_path}) == both
    with pytest.raises(ValidationError, match="views"):
        plain.choosing(views=("3CH",))
    with pytest.raises(ValidationError, match="views"):
        videos(tmp_path, options={"views": ("4CH",)})
    with pytest.raises(ValidationError, match="no dataset 'camus2': one of camus, echonet_dynamic, echonet_lvh"):
        DataSelection(dataset="camus2", folder=tmp_path)


def test_what_is_not_there_yet_is_expected_by_people(tmp_path):
    gone = DataSelection(dataset="camus", folder=tmp_path / "none", expected=5)
    assert gone.expected_items() == 10  # ED and ES
    assert gone.choosing(sequences=True).expected_items() == 5
    assert gone.choosing(views=("2CH", "4CH")).expected_items() == 20
    assert videos(tmp_path / "none", expected=5).expected_items() == 5


def test_a_fingerprint_follows_the_data_not_their_folder_or_times(echonet_root, tmp_path):
    first = videos(echonet_root).fingerprint()
    copy = shutil.copytree(echonet_root, tmp_path / "copy")  # new times
    (tmp_path / "link").symlink_to(echonet_root)
    assert videos(copy).fingerprint() == videos(tmp_path / "link").fingerprint() == first
    assert videos(echonet_root, expected=7).fingerprint() == first
    assert DataSelection(dataset="echonet_dynamic", folder=echonet_root, size=(64, 64)).fingerprint() != first


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda root: change(root / "FileList.csv", EF={1: "51.5"}),
        lambda root: change(root / "FileList.csv", Split={0: "VAL", 1: "TRAIN"}),
        lambda root: change(root / "VolumeTracings.csv", X1={30: "21.5"}),
        lambda root: (root / "Videos" / "V1.avi").write_bytes(b"longer than it was before"),
    ],
    ids=["label", "split", "tracing", "video"],
)
def test_a_fingerprint_notices_every_change(echonet_root, tmp_path, rewrite):
    copy = shutil.copytree(echonet_root, tmp_path / "copy")
    rewrite(copy)
    assert videos(copy).fingerprint() != videos(echonet_root).fingerprint()


def test_a_folder_rewritten_in_this_process_is_read_anew(echonet_root):
    first = videos(echonet_root).fingerprint()
    text = (echonet_root / "FileList.csv").read_text()
    change(echonet_root / "FileList.csv", EF={1: "51.5"})
    assert videos(echonet_root).fingerprint() != first
    assert videos(echonet_root).items()["ef_percent"][1] == 51.5
    (echonet_root / "FileList.csv").write_text(text)
    assert videos(echonet_root).fingerprint() == first


def test_tables_are_read_once_as_long_as_nobody_writes_them(echonet_root, monkeypatch):
    reads = []
    read = EchoNetDynamic.__init__
    monkeypatch.setattr(EchoNetDynamic, "__init__", lambda self, root: reads.append(root) or read(self, root))
    first = videos(echonet_root)
    assert first.fingerprint() == videos(echonet_root).fingerprint() and len(first.items()) == 3
    assert len(reads) == 1


def test_a_fingerprint_before_the_data_are_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"FileList.csv is missing"):
        videos(tmp_path).fingerprint()


def test_the_fingerprint_of_a_table_is_that_of_its_values(tmp_path):
    (file := tmp_path / "a.avi").write_bytes(b"1234")
    items = pd.DataFrame({"name": ["a", "b"], "path": [file, file], "ef": [50.0, np.nan], "frames": [3, 4]})

    def of(table, *further) -> str:
        return data_fingerprint("", table, further)

    assert of(items)[:16] == "c92a3d433bf7602d"  # written down: other versions of Python and pandas find the same
    assert of(items) == of(items.assign(frames=items["frames"].astype("int32"), name=items["name"].astype("object")))
    assert of(items) == of(items.set_axis([5, 9])) and of(items) != of(items[::-1])
    assert of(items) == of(items.assign(ef=items["ef"] * (1 + 1e-15)))  # the last bit of another parser
    assert of(items) != of(items.assign(ef=[50.0, 0.0])) and of(items) != of(items.rename(columns={"ef": "EF"}))
    assert of(items) != of(items.assign(name=["ab", ""])) and of(items) != of(items.assign(frames=[3.0, 4.0]))
    points = pd.DataFrame({"points": [np.zeros((2, 2), "float32"), np.ones((2, 2), "float32")]})
    flat = pd.DataFrame({"points": [np.zeros(4, "float32"), np.ones(4, "float32")]})
    assert len({of(items), of(items, points), of(items, flat), of(items, points[:1])}) == 4
