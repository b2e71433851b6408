"""Homes, folders and fingerprints; the phantom written once."""

import json
import os
from types import SimpleNamespace

import pytest

from echolib.data.folders import data_fingerprints, fingerprint, locate, write_missing_phantom
from echolib.workspace import Workspace, WorkspaceError, find_home

SIZES = SimpleNamespace(videos=3, patients=2, lvh_videos=1)


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
    sources = locate(Workspace(tmp_path), "paper", {"camus": str(tmp_path)}, phantom=False)
    assert dict(sources.folders) == {"camus": tmp_path}
    assert locate(Workspace(tmp_path), "demo", {}, phantom=True).given == frozenset()


def test_fingerprints_follow_names_sizes_and_times(tmp_path):
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "a.avi"
    file.write_bytes(b"12")
    plain, timed = fingerprint(tmp_path), fingerprint(tmp_path, times=True)
    assert fingerprint(tmp_path) == plain
    os.utime(file, (1, 1))
    assert fingerprint(tmp_path) == plain and fingerprint(tmp_path, times=True) != timed
    file.write_bytes(b"123")
    longer = fingerprint(tmp_path)
    assert longer != plain
    file.rename(tmp_path / "deep" / "b.avi")
    assert fingerprint(tmp_path) not in (plain, longer)


def test_data_fingerprints_tell_phantom_and_real_apart(tmp_path):
    sources = locate(Workspace(tmp_path), "demo", {"camus": str(tmp_path)}, phantom=True)
    assert data_fingerprints(sources)["echonet_lvh"] == "phantom-not-written"
    sources.phantom.mkdir(parents=True)
    (sources.phantom / "phantom.json").write_text("{}")
    prints = data_fingerprints(sources)
    assert prints["echonet_lvh"] == prints["echonet_dynamic"] != "phantom-not-written"
    assert prints["camus"] == fingerprint(tmp_path)


def test_phantom_is_asked_for_in_the_profiles_sizes_and_on_the_device_it_was_written_on(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("echolib.phantom.write_phantom", lambda folder, **sizes: calls.append((folder.name, sizes)))
    sources = locate(Workspace(tmp_path), "demo", {}, phantom=True)
    write_missing_phantom(sources, SIZES, device="cpu")
    wanted = {"videos": 3, "patients": 2, "lvh_videos": 1, "seed": 0}
    assert calls == [("phantom-demo", {**wanted, "device": "cpu", "progress": True})]
    sources.phantom.mkdir()
    (sources.phantom / "phantom.json").write_text(json.dumps({**wanted, "device": "cuda", "version": 1}))
    write_missing_phantom(sources, SIZES, device="cpu")
    assert calls[-1][1]["device"] == "cuda"
    (sources.phantom / "phantom.json").write_text(json.dumps({**wanted, "videos": 9, "device": "cuda"}))
    write_missing_phantom(sources, SIZES, device="cpu")
    assert calls[-1][1]["device"] == "cpu"


def test_no_phantom_is_written_where_all_data_are_real(tmp_path, monkeypatch):
    monkeypatch.setattr("echolib.phantom.write_phantom", lambda *args, **kwargs: pytest.fail("not needed"))
    given = dict.fromkeys(("echonet_dynamic", "camus", "echonet_lvh"), str(tmp_path))
    write_missing_phantom(locate(Workspace(tmp_path), "demo", given, phantom=True), SIZES, device="cpu")
    write_missing_phantom(locate(Workspace(tmp_path), "paper", {}, phantom=False), SIZES, device="cpu")
