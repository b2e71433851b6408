"""Homes, the folders of the datasets, their fingerprints; the phantom written once."""

import json
import os

import pytest

from echolib.folders import data_fingerprints, folder_fingerprint, locate
from echolib.phantom.writers.missing import write_missing_phantom
from echolib.workspace import Workspace, WorkspaceError, find_home

ITEMS = {"echonet_dynamic": 3, "camus": 2, "echonet_lvh": 1}


def test_home_is_the_clone_around_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.delenv("ECHOLIB_HOME", raising=False)
    inside = tmp_path / "clone" / "notebooks"
    inside.mkdir(parents=True)
    (tmp_path / "clone" / "pyproject.toml").write_text('[project]\nname = "echolib"\n')
    (inside / "pyproject.toml").write_text('[project]\nname = "another"\n')
    assert find_home(inside) == tmp_path / "clone"
    monkeypatch.setenv("ECHOLIB_HOME", str(tmp_path))
    assert find_home(inside) == tmp_path


def test_outside_a_clone_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("ECHOLIB_HOME", raising=False)
    with pytest.raises(WorkspaceError, match="set ECHOLIB_HOME"):
        find_home(tmp_path)


def test_every_missing_folder_is_listed(tmp_path):
    folders = {"camus": str(tmp_path / "a"), "echonet_lvh": str(tmp_path / "b"), "echonet_dynamic": ""}
    with pytest.raises(WorkspaceError, match=r"CAMUS: no folder .*/a; EchoNet-LVH: no folder .*/b"):
        locate(Workspace(tmp_path), "demo", folders, phantom=True)


def test_without_phantom_only_given_folders_stand(tmp_path):
    folders = locate(Workspace(tmp_path), "paper", {"camus": str(tmp_path)}, phantom=False)
    assert folders.folders == {"camus": tmp_path} and folders.label("camus") == "CAMUS"
    with pytest.raises(WorkspaceError, match=r"EchoNet-LVH \(MeasurementsList.csv and .*make study ECHONET_LVH=FOLDER"):
        folders.folder("echonet_lvh")
    assert folders and not locate(Workspace(tmp_path), "paper", {}, phantom=False)
    assert locate(Workspace(tmp_path), "demo", {}, phantom=True).given == {}


def test_fingerprints_follow_names_sizes_and_times(tmp_path):
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "a.avi"
    file.write_bytes(b"12")
    plain, timed = folder_fingerprint(tmp_path), folder_fingerprint(tmp_path, times=True)
    assert folder_fingerprint(tmp_path) == plain
    os.utime(file, (1, 1))
    assert folder_fingerprint(tmp_path) == plain and folder_fingerprint(tmp_path, times=True) != timed
    file.write_bytes(b"123")
    longer = folder_fingerprint(tmp_path)
    assert longer != plain
    file.rename(tmp_path / "deep" / "b.avi")
    assert folder_fingerprint(tmp_path) not in (plain, longer)


def test_data_fingerprints_tell_phantom_and_real_apart(tmp_path):
    folders = locate(Workspace(tmp_path), "demo", {"camus": str(tmp_path)}, phantom=True)
    assert data_fingerprints(folders, ["echonet_lvh"])["echonet_lvh"] == "phantom-not-written"
    folders.phantom.mkdir(parents=True)
    (folders.phantom / "phantom.json").write_text("{}")
    prints = data_fingerprints(folders, folders.folders)
    assert prints["echonet_lvh"] == prints["echonet_dynamic"] != "phantom-not-written"
    assert prints["camus"] == folder_fingerprint(tmp_path)


def test_a_dataset_that_is_none_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match="no dataset 'camus2': one of camus, echonet_dynamic, echonet_lvh"):
        locate(Workspace(tmp_path), "demo", {"camus2": str(tmp_path)}, phantom=True)


def test_phantom_is_asked_for_in_the_profiles_sizes_and_on_the_device_it_was_written_on(tmp_path, monkeypatch):
    calls = []

    def write_phantom(folder, items, **named):
        calls.append((folder, items, named["device"]))

    monkeypatch.setattr("echolib.phantom.writers.datasets.write_under_lock", write_phantom)
    folder = locate(Workspace(tmp_path), "demo", {"camus": str(tmp_path)}, phantom=True).needed_phantom
    assert folder == tmp_path / "data" / "phantom-demo"
    write_missing_phantom(folder, ITEMS, device="cpu")
    assert calls == [(folder, ITEMS, "cpu")]
    description = {"items": ITEMS, "seed": 0, "device": "cuda", "version": 1}
    (folder / "phantom.json").parent.mkdir()
    (folder / "phantom.json").write_text(json.dumps(description))
    write_missing_phantom(folder, ITEMS, device="cpu")
    assert calls[-1][2] == "cuda"
    (folder / "phantom.json").write_text(json.dumps(description | {"items": ITEMS | {"camus": 9}}))
    write_missing_phantom(folder, ITEMS, device="cpu")
    assert calls[-1][2] == "cpu"


def test_no_phantom_is_written_where_all_data_are_real(tmp_path):
    given = dict.fromkeys(("echonet_dynamic", "camus", "echonet_lvh"), str(tmp_path))
    assert locate(Workspace(tmp_path), "demo", given, phantom=True).needed_phantom is None
    assert locate(Workspace(tmp_path), "paper", {}, phantom=False).needed_phantom is None
    write_missing_phantom(None, ITEMS, device="cpu")
    assert list(tmp_path.iterdir()) == []
