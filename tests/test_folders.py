"""Homes, the folders of the datasets, their fingerprints; the phantom written once."""

import json
import os
import shutil

import pytest

from echolib.folders import data_fingerprints, folder_lines, is_of_one_person, locate, path_fingerprint
from echolib.phantom.writers.missing import write_missing_phantom
from echolib.portable import LOCAL, REFERENCE
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
    plain, timed = path_fingerprint(tmp_path, times=False), path_fingerprint(tmp_path)
    assert path_fingerprint(tmp_path, times=False) == plain and path_fingerprint(tmp_path) == timed
    os.utime(file, (1, 1))
    assert path_fingerprint(tmp_path, times=False) == plain and path_fingerprint(tmp_path) != timed
    file.write_bytes(b"123")
    longer = path_fingerprint(tmp_path, times=False)
    assert longer != plain
    file.rename(tmp_path / "deep" / "b.avi")
    assert path_fingerprint(tmp_path, times=False) not in (plain, longer)


def rewritten(file, old: str, new: str) -> None:
    """Puts other content of the same length into a file, and its modification time back."""
    before = file.stat()
    file.write_text(file.read_text().replace(old, new))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize("replaced", [False, True], ids=["in place", "by another file"])
def test_a_file_rewritten_with_size_and_time_kept_is_noticed(tmp_path, replaced):
    file = tmp_path / "a.avi"
    file.write_text("frames")
    before = path_fingerprint(tmp_path), path_fingerprint(file)
    if replaced:
        shutil.copy2(file, tmp_path / "b")
        os.replace(tmp_path / "b", file)
    rewritten(file, "frames", "others")
    after = path_fingerprint(tmp_path), path_fingerprint(file)
    assert before[0] != after[0] and before[1] != after[1]


def test_labels_count_by_their_content(tmp_path, monkeypatch):
    """Also where a file system keeps neither inodes nor times of change."""
    monkeypatch.setattr("echolib.folders._facts", lambda file, times: "the same")
    cfg = tmp_path / "database_nifti" / "patient0001" / "Info_4CH.cfg"
    cfg.parent.mkdir(parents=True)
    cfg.write_text("EF: 61")
    folders = locate(Workspace(tmp_path), "demo", {"camus": str(tmp_path)}, phantom=True)
    before = data_fingerprints(folders, ["camus"]), data_fingerprints(folders, ["camus"], times=True)
    cfg.write_text("EF: 21")
    after = data_fingerprints(folders, ["camus"]), data_fingerprints(folders, ["camus"], times=True)
    assert before[0] != after[0] and before[1] != after[1]


def test_the_files_of_a_phantom_count_but_in_what_is_published(tmp_path):
    folders = locate(Workspace(tmp_path), "demo", {}, phantom=True)
    file = folders.folder("echonet_dynamic") / "FileList.csv"
    file.parent.mkdir(parents=True)
    file.write_text("EF\n61\n")
    (folders.phantom / "phantom.json").write_text("{}")
    before, published = (data_fingerprints(folders, ["echonet_dynamic"], times=times) for times in (True, False))
    rewritten(file, "61", "21")
    assert data_fingerprints(folders, ["echonet_dynamic"], times=True) != before
    assert data_fingerprints(folders, ["echonet_dynamic"]) == published


def test_what_vanishes_while_it_is_looked_at_is_no_error(tmp_path):
    (tmp_path / "a.avi").symlink_to(tmp_path / "nowhere")
    whole = path_fingerprint(tmp_path)
    (tmp_path / "a.avi").unlink()
    assert path_fingerprint(tmp_path) != whole


@pytest.mark.parametrize(
    ("parameters", "private"),
    [
        ({"profile": "demo", "clip": "", "video": "", "seeds": 3, "settings": "printed"}, False),
        ({"clip": "/secret/Jane_Doe.avi"}, True),
        ({"clip": "Jane_Doe.avi"}, True),  # relative to a folder that only the notebook knows
        ({"mask": "C:\\Jane_Doe.png"}, True),
        ({"echonet_dynamic": "", "video": "0X1A"}, False),
        ({"camus": "", "video": "0X1A"}, False),
        ({"echonet_dynamic": "/data/EchoNet-Dynamic", "video": "0X1A"}, True),
        ({"echonet_dynamic": "/data/EchoNet-Dynamic", "video": ""}, False),
    ],
)
def test_what_is_of_one_person(parameters, private):
    given = [name for name in ("echonet_dynamic", "camus") if parameters.get(name)]
    assert is_of_one_person(parameters, given) == private


def test_data_fingerprints_tell_phantom_and_real_apart(tmp_path):
    folders = locate(Workspace(tmp_path), "demo", {"camus": str(tmp_path)}, phantom=True)
    assert data_fingerprints(folders, ["echonet_lvh"])["echonet_lvh"] == "phantom-not-written"
    folders.phantom.mkdir(parents=True)
    (folders.phantom / "phantom.json").write_text("{}")
    prints = data_fingerprints(folders, folders.folders)
    assert prints["echonet_lvh"] == prints["echonet_dynamic"] != "phantom-not-written"
    assert prints["camus"] == path_fingerprint(tmp_path, times=False)


def test_a_dataset_that_is_none_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match="no dataset 'camus2': one of camus, echonet_dynamic, echonet_lvh"):
        locate(Workspace(tmp_path), "demo", {"camus2": str(tmp_path)}, phantom=True)


def test_phantom_is_asked_for_in_the_profiles_sizes(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("echolib.phantom.writers.datasets.write_phantom", lambda *given, **_: calls.append(given))
    folder = locate(Workspace(tmp_path), "demo", {"camus": str(tmp_path)}, phantom=True).needed_phantom
    assert folder == tmp_path / "data" / "phantom-demo"
    write_missing_phantom(folder, ITEMS)
    assert calls == [(folder, ITEMS)]


def test_a_phantom_of_other_bytes_is_said_to_be_one(tmp_path):
    folders = locate(Workspace(tmp_path), "demo", {"camus": str(tmp_path)}, phantom=True)
    assert folders.phantom is not None
    folders.phantom.mkdir(parents=True)
    for arithmetic, lines in ((LOCAL, 3), (REFERENCE, 2)):
        (folders.phantom / "phantom.json").write_text(json.dumps({"arithmetic": arithmetic}))
        assert len(folder_lines(folders, ("camus", "echonet_dynamic"))) == lines
    (folders.phantom / "phantom.json").write_text(json.dumps({"arithmetic": LOCAL}))
    assert "its bytes are not those of other machines" in folder_lines(folders, ("camus",))[-1]


def test_no_phantom_is_written_where_all_data_are_real(tmp_path):
    given = dict.fromkeys(("echonet_dynamic", "camus", "echonet_lvh"), str(tmp_path))
    assert locate(Workspace(tmp_path), "demo", given, phantom=True).needed_phantom is None
    assert locate(Workspace(tmp_path), "paper", {}, phantom=False).needed_phantom is None
    write_missing_phantom(None, ITEMS)
    assert list(tmp_path.iterdir()) == []
