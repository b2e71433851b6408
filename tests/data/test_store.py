"""The frame store: what it holds, when it decodes again, what it refuses."""

import errno
import json
import os
import pickle
import resource
import shutil

import numpy as np
import pytest

from echolib.data import DataError, FrameStore
from echolib.data.letterbox import fit_frames
from echolib.data.store import decoding, manifest
from echolib.data.store.decoding import Expected
from echolib.sealed import sealed, unsealed
from tests.data.made import moving_noise, opencv_rgb, write_avi
from tests.data.reading import counted, wrong_shape


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The file in which `counted` notes every source it reads."""
    path = tmp_path / "read.log"
    path.touch()
    monkeypatch.setenv("READ_LOG", str(path))
    return path


def reads(log) -> list[str]:
    """Names of the sources read since the last call."""
    names = [line.split()[0] for line in log.read_text().splitlines()]
    log.write_text("")
    return names


def texts(folder, count=4, size=(6, 5)) -> dict[str, str]:
    """Sources for `counted`: source k has k + 2 frames that begin at 10 k."""
    folder.mkdir(exist_ok=True)
    sources = {f"n{k}": folder / f"s{k}" for k in range(count)}
    for k, path in enumerate(sources.values()):
        path.write_text(f"{k + 2} {size[0]} {size[1]} {10 * k}")
    return {name: str(path) for name, path in sources.items()}


def build(folder, sources, **more):
    return FrameStore.build(folder, sources, **{"read": counted, "workers": 1, "progress": False, **more})


def leftovers(folder) -> set[str]:
    """What lies in a store's folder beside what belongs there."""
    files = {path.name for path in folder.iterdir()}
    return files - {".lock", "manifest.json"} - {json.loads((folder / "manifest.json").read_text())["file"]}


def test_contents(tmp_path, log):
    store = build(tmp_path / "store", texts(tmp_path / "src"))
    assert store.names == ["n0", "n1", "n2", "n3"] and store.index["n2"] == 2 and len(store) == 4
    assert store.counts.tolist() == [2, 3, 4, 5] and store.starts.dtype == np.int64
    assert (store.height, store.width) == (6, 5) and store.pixels.shape == (14, 6, 5)
    assert store.native_sizes.tolist() == [[6, 5]] * 4
    assert store.lookup is None and "grey only" in store.note
    for k in range(4):
        frames = store.frames(f"n{k}")
        assert frames[:, 0, 0].tolist() == list(range(10 * k, 11 * k + 2))
        place = store.index[f"n{k}"]
        np.testing.assert_array_equal(frames, store.pixels[store.starts[place] :][: store.counts[place]])
    with pytest.raises(ValueError, match="read-only"):
        store.pixels[0] = 1
    assert leftovers(tmp_path / "store") == set()
    store.verify()


def test_avi_pixels_and_lookup(tmp_path):
    sources = {f"v{k}": write_avi(tmp_path / f"v{k}.avi", moving_noise(6 + k, 48, 64, k)) for k in range(3)}
    store = FrameStore.build(tmp_path / "store", sources, progress=False)
    for name, path in sources.items():
        expected = opencv_rgb(path)
        np.testing.assert_array_equal(store.frames(name), expected[..., 1])
        np.testing.assert_array_equal(store.lookup[store.frames(name)], expected)


def test_no_lookup_when_chroma_differs(tmp_path):
    grey = moving_noise(3, 48, 64)
    sources = {
        "grey": write_avi(tmp_path / "grey.avi", grey),
        "tinted": write_avi(tmp_path / "tinted.avi", np.stack([grey // 2, grey // 2 + 30, grey // 2], -1)),
    }
    store = FrameStore.build(tmp_path / "store", sources, progress=False)
    assert store.lookup is None and "not constant" in store.note


def test_worker_processes_give_the_same_store(tmp_path, log):
    sources = texts(tmp_path / "src", 9)
    one, two = build(tmp_path / "one", sources), build(tmp_path / "two", sources, workers=2)
    assert one.fingerprint == two.fingerprint and one.names == two.names
    for name in sources:
        np.testing.assert_array_equal(one.frames(name), two.frames(name))
    pids = {line.split()[1] for line in log.read_text().splitlines()} - {str(os.getpid())}
    assert pids  # some were read elsewhere


def test_letterboxed(tmp_path, log):
    sources = texts(tmp_path / "src", 2) | {"wide": str(tmp_path / "wide")}
    (tmp_path / "wide").write_text("3 8 20 100")
    store = build(tmp_path / "store", sources, size=(10, 10), interpolation="nearest")
    assert store.pixels.shape[1:] == (10, 10)
    assert store.native_sizes.tolist() == [[6, 5], [6, 5], [8, 20]]
    np.testing.assert_array_equal(store.frames("wide"), fit_frames(counted(sources["wide"]), (10, 10), "nearest"))
    assert store.frames("wide")[0, 3:7].min() == 100 and store.frames("wide")[0, [0, 9]].max() == 0


def test_sources_of_several_sizes_need_a_size(tmp_path, log):
    sources = texts(tmp_path / "src", 2) | {"wide": str(tmp_path / "wide"), "tall": str(tmp_path / "tall")}
    (tmp_path / "wide").write_text("3 8 20 100")
    (tmp_path / "tall").write_text("3 20 8 100")
    with pytest.raises(DataError, match="give a size") as caught:
        build(tmp_path / "store", sources)
    assert "wide: " in str(caught.value) and "tall: " in str(caught.value) and "2 faults" in str(caught.value)


def test_nothing_is_decoded_twice(tmp_path, log):
    sources = texts(tmp_path / "src")
    first = build(tmp_path / "store", sources)
    reads(log)
    again = build(tmp_path / "store", sources)
    assert reads(log) == [] and again.fingerprint == first.fingerprint
    os.utime(sources["n1"])  # touched, not changed: hashed, not decoded
    assert build(tmp_path / "store", sources).fingerprint == first.fingerprint
    assert reads(log) == []
    reordered = build(tmp_path / "store", dict(reversed(sources.items())))
    assert reads(log) == [] and reordered.names == ["n3", "n2", "n1", "n0"]
    assert reordered.fingerprint == first.fingerprint and reordered.frames("n3")[0, 0, 0] == 30


def test_added_and_removed_sources(tmp_path, log):
    sources = texts(tmp_path / "src", 5)
    few = {name: sources[name] for name in ("n0", "n2")}
    build(tmp_path / "store", few)
    reads(log)
    store = build(tmp_path / "store", sources)
    assert sorted(reads(log)) == ["s1", "s3", "s4"]
    assert [store.frames(name)[0, 0, 0] for name in store.names] == [0, 10, 20, 30, 40]
    fewer = build(tmp_path / "store", few)
    assert reads(log) == [] and fewer.names == ["n0", "n2"] and fewer.frames("n2")[0, 0, 0] == 20
    assert leftovers(tmp_path / "store") == set()


def test_source_changed_with_the_same_size_and_time(tmp_path, log):
    sources = texts(tmp_path / "src")
    first = build(tmp_path / "store", sources)
    before = os.stat(sources["n1"])
    with open(sources["n1"], "w") as file:
        file.write("3 6 5 77")
    os.utime(sources["n1"], ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(sources["n1"])
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    with pytest.raises(DataError, match=r"n1: .*s1 changed since it was decoded"):
        first.verify()
    reads(log)
    with pytest.warns(UserWarning, match="changed since they were decoded: decoded again: n1$"):
        store = build(tmp_path / "store", sources)
    assert "s1" in reads(log) and store.frames("n1")[0, 0, 0] == 77 and store.fingerprint != first.fingerprint
    assert store.frames("n3")[0, 0, 0] == 30
    store.verify()


def test_one_flipped_bit_in_a_video_is_named(tmp_path):
    sources = {f"v{k}": write_avi(tmp_path / f"v{k}.avi", moving_noise(5, 48, 64, k)) for k in range(3)}
    store = FrameStore.build(tmp_path / "store", sources, progress=False)
    content = bytearray(sources["v1"].read_bytes())
    content[len(content) // 2] ^= 8
    sources["v1"].write_bytes(content)
    with pytest.raises(DataError, match=r"v1\.avi changed") as caught:
        store.verify()
    assert "v0" not in str(caught.value) and "1 fault" in str(caught.value)


def test_one_flipped_bit_in_the_store_is_named(tmp_path, log):
    store = build(tmp_path / "store", texts(tmp_path / "src"))
    with open(store.pixels.filename, "rb+") as file:
        file.seek(int(store.starts[2]) * 30 + 7)
        file.write(b"\xff")
    with pytest.raises(DataError, match=r"n2: its frames in .* are damaged"):
        store.verify()
    with pytest.raises(DataError, match=r"the frames of n2 are damaged; delete the folder, or build"):
        FrameStore(tmp_path / "store")
    reads(log)
    with pytest.warns(UserWarning, match="was damaged: decoded again: n2"):
        again = build(tmp_path / "store", texts(tmp_path / "src"))
    assert "s2" in reads(log) and again.frames("n2")[0, 0, 0] == 20


def test_a_copied_store_is_read_through_once(tmp_path, log, monkeypatch):
    build(tmp_path / "store", texts(tmp_path / "src"))
    copy = shutil.copytree(tmp_path / "store", tmp_path / "copy")
    FrameStore(copy)
    monkeypatch.setattr("echolib.data.store.damage.zlib.crc32", lambda _: pytest.fail("read again"))
    assert len(FrameStore(copy)) == len(FrameStore(tmp_path / "store")) == 4


def test_another_decoder_decodes_again(tmp_path, log, monkeypatch):
    sources = texts(tmp_path / "src")
    first = build(tmp_path / "store", sources)
    reads(log)
    monkeypatch.setattr(manifest, "DECODING", manifest.DECODING + 1)
    store = build(tmp_path / "store", sources)
    assert set(reads(log)) == {"s0", "s1", "s2", "s3"} and store.fingerprint != first.fingerprint
    assert leftovers(tmp_path / "store") == set()


def test_an_open_store_outlives_a_rebuild(tmp_path, log, monkeypatch):
    sources = texts(tmp_path / "src")
    first = build(tmp_path / "store", sources)
    monkeypatch.setattr(manifest, "DECODING", manifest.DECODING + 1)
    build(tmp_path / "store", sources)
    assert first.frames("n3")[0, 0, 0] == 30


def test_moved_store_without_its_sources(tmp_path, log):
    sources = texts(tmp_path / "src")
    first = build(tmp_path / "store", sources)
    shutil.move(tmp_path / "store", tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "src")
    store = FrameStore(tmp_path / "elsewhere")
    assert store.fingerprint == first.fingerprint and store.frames("n1")[0, 0, 0] == 10
    store.verify(sources=False)
    with pytest.raises(DataError, match="4 faults"):
        store.verify()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store)).pixels, store.pixels)


def test_every_bad_source_is_in_one_error_and_the_good_ones_are_kept(tmp_path, log):
    good = write_avi(tmp_path / "good.avi", moving_noise(5, 48, 64))
    cut, text, long = (
        tmp_path / "cut.avi",
        tmp_path / "text.avi",
        write_avi(tmp_path / "long.avi", moving_noise(9, 48, 64)),
    )
    cut.write_bytes(good.read_bytes()[:-900])
    text.write_text("hello")
    sources = {"cut": cut, "good": good, "text": text, "long": long}
    with pytest.raises(DataError) as caught:
        FrameStore.build(
            tmp_path / "store",
            sources,
            expected={"good": Expected(5), "long": Expected(8), "x": Expected(1)},
            progress=False,
        )
    error = str(caught.value)
    assert "cut: " in error and "is cut short" in error and "text.avi is no AVI" in error and "3 faults" in error
    assert "long.avi holds 9 frames, its table says 8" in error
    with pytest.raises(DataError, match="holds no finished frame store"):
        FrameStore(tmp_path / "store")
    finished = json.loads((tmp_path / "store" / "building.jsonl").read_text().splitlines()[1])
    assert finished["name"] == "good"


def test_missing_sources_are_all_named(tmp_path, log):
    sources = texts(tmp_path / "src")
    for name in ("n0", "n3"):
        os.unlink(sources[name])
    with pytest.raises(DataError, match="2 faults") as caught:
        build(tmp_path / "store", sources)
    assert "n0: " in str(caught.value) and "n3: " in str(caught.value)
    with pytest.raises(DataError, match="at least one source"):
        build(tmp_path / "store", {})


def test_arrays_of_another_kind_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"got float32 \(3, 4\)"):
        build(tmp_path / "store", texts(tmp_path / "src", 1), read=wrong_shape)


@pytest.mark.parametrize(
    "damage", ["object array", "pickle", "shorter", "gone", "outside", "format", "fingerprint", "item", "no seal"]
)
def test_damaged_stores_are_refused_and_built_again(tmp_path, log, damage):
    folder, sources = tmp_path / "store", texts(tmp_path / "src")
    frames, listing = build(folder, sources).pixels.filename, folder / "manifest.json"
    content = json.loads(listing.read_text())
    if damage == "object array":
        with open(frames, "wb") as file:
            np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    elif damage == "pickle":
        listing.write_bytes(pickle.dumps(content))
    elif damage == "shorter":
        os.truncate(frames, 100)
    elif damage == "gone":
        os.unlink(frames)
    else:
        (tmp_path / "outside").write_bytes(b"\0" * 14 * 30)
        moved = [{**item, "start": item["start"] + 10**6} for item in content["items"]]
        changes = {"outside": {"file": "../outside"}, "format": {"format": 99}, "fingerprint": {"fingerprint": "0"}}
        changes |= {"item": {"items": moved}, "no seal": {"lookup": [917]}}
        changed = {**unsealed(content), **changes[damage]}
        listing.write_text(json.dumps(changed if damage == "no seal" else sealed(changed)))
    with pytest.raises(DataError, match="build the store again"):
        FrameStore(folder)
    reads(log)
    build(folder, sources).verify()
    assert set(reads(log)) == {"s0", "s1", "s2", "s3"}


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("moment", ["frames", "limit", "manifest"])
@pytest.mark.parametrize("before", [True, False])
def test_full_disk(tmp_path, log, monkeypatch, moment, before):
    folder, sources = tmp_path / "store", texts(tmp_path / "src", 6)
    few = {name: sources[name] for name in ("n0", "n1")}
    old = build(folder, few) if before else None
    with monkeypatch.context() as patch:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        if moment == "frames":
            patch.setattr(decoding.os, "pwrite", full_disk)
        elif moment == "manifest":
            patch.setattr(manifest, "write_sealed", full_disk)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (400, limits[1]))  # the system's own refusal, in mid-file
        try:
            with pytest.raises(DataError, match=r"cannot be written .*free space"):
                build(folder, sources)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    if before:
        assert leftovers(folder) == set()
        assert FrameStore(folder).fingerprint == old.fingerprint
        FrameStore(folder).verify()
    else:
        assert {path.name for path in folder.iterdir()} <= {".lock"}
    assert len(build(folder, sources)) == 6
