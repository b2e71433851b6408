"""The three datasets on disk: formats, exact labels, determinism, atomicity."""

import json
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from echolib.data import CAMUS, EchoNetDynamic, EchoNetLVH, read_image, read_mask, read_video
from echolib.data.checksums import check_folder
from echolib.geometry import tracing_mask
from echolib.phantom import write_phantom
from echolib.phantom.anatomy.beating_heart import draw_beating_heart
from echolib.phantom.anatomy.population import draw_hearts
from echolib.phantom.writers import datasets, shared_arithmetic
from echolib.phantom.writers.datasets import phantom_lock

SMALL = {"echonet_dynamic": 4, "camus": 2, "echonet_lvh": 4}
NAMED = {"seed": 7, "progress": False}


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    return write_phantom(tmp_path_factory.mktemp("phantom") / "small", SMALL, **NAMED)


def test_echonet_round_trip(phantom):
    data = EchoNetDynamic(phantom / "EchoNet-Dynamic")
    assert len(data.videos) == 4 and set(data.videos["split"]) == {"train", "val", "test"}
    for row in data.videos.itertuples():
        frames = read_video(row.path)
        assert frames.shape == (row.frames, 112, 112) and frames.dtype == np.uint8
        assert frames.std() > 10 and row.frames >= 40
        assert row.ef_percent == pytest.approx(100 * (row.edv_ml - row.esv_ml) / row.edv_ml, abs=1e-9)


def test_echonet_tracings_are_the_volumes(phantom):
    data = EchoNetDynamic(phantom / "EchoNet-Dynamic")
    truth = pd.read_csv(phantom / "truth" / "EchoNet-Dynamic.csv").set_index(["item", "frame"])
    volumes = data.videos.set_index("video")
    for row in data.tracings.itertuples():
        one = truth.loc[(row.video, row.frame)]
        ends = row.tracing.astype(np.float64) * one["mm_per_px"]
        lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
        expected = np.pi / 4 * (lengths[1:] ** 2).sum() * lengths[0] / 20 / 1000
        assert one["volume_ml"] == pytest.approx(expected, rel=1e-4)
        assert volumes.loc[row.video, "edv_ml" if row.phase == "ED" else "esv_ml"] == pytest.approx(expected, rel=1e-4)
    by_phase = data.tracings.pivot(index="video", columns="phase", values="area_px")
    assert (by_phase["ED"] > by_phase["ES"]).all()


def test_the_traced_cavity_is_dark_inside_its_wall(phantom):
    from scipy.ndimage import binary_dilation

    data = EchoNetDynamic(phantom / "EchoNet-Dynamic")
    paths = data.videos.set_index("video")["path"]
    darker = []
    for row in data.tracings.itertuples():
        frame = read_video(paths[row.video])[row.frame].astype(float)
        mask = tracing_mask(row.tracing, 112, 112)
        ring = binary_dilation(mask, iterations=5) & ~binary_dilation(mask, iterations=1) & (frame > 0)
        darker.append(frame[mask].mean() < frame[ring].mean())
    assert np.mean(darker) >= 0.75


def test_videos_have_constant_chroma(phantom):
    import av

    path = next((phantom / "EchoNet-Dynamic" / "Videos").glob("*.avi"))
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "mjpeg"
        frame = next(container.decode(video=0))
        for plane in frame.planes[1:]:
            pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            assert (pixels == 128).all()


def test_camus_round_trip(phantom):
    data = CAMUS(phantom / "CAMUS")
    assert set(data.images["view"]) == {"2CH", "4CH"} and set(data.images["phase"]) == {"ED", "ES", "sequence"}
    assert set(data.patients["quality"]) <= {"Good", "Medium", "Poor"}
    volumes = pd.read_csv(phantom / "truth" / "CAMUS_volumes.csv").set_index("patient")
    expected = 100 * (1 - volumes["esv_ml"] / volumes["edv_ml"])
    for row in data.patients.itertuples():
        assert row.ef_percent == pytest.approx(expected[row.patient], abs=1e-3)
    stills = data.images[data.images["phase"] != "sequence"]
    for (patient, view), rows in stills.groupby(["patient", "view"]):
        sizes = {}
        for row in rows.itertuples():
            pixels, spacing = read_image(row.path)
            mask, _ = read_mask(row.mask_path)
            assert pixels.shape == mask.shape and spacing[0] == pytest.approx(spacing[1])
            assert set(np.unique(mask)) == {0, 1, 2, 3}
            sizes[row.phase] = (mask == 1).sum()
        assert sizes["ED"] > sizes["ES"], (patient, view)


def test_camus_sequence_begins_at_ed_and_ends_at_es(phantom):
    images = CAMUS(phantom / "CAMUS").images.set_index(["patient", "view", "phase"])
    sequence, _ = read_image(images.loc[("patient0001", "4CH", "sequence"), "path"])
    for phase, frame in (("ED", 0), ("ES", -1)):
        still, _ = read_image(images.loc[("patient0001", "4CH", phase), "path"])
        np.testing.assert_array_equal(still[0], sequence[frame])


def test_lvh_round_trip(phantom):
    data = EchoNetLVH(phantom / "EchoNet-LVH")
    assert len(data.videos) == 4 and len({path.split("/")[-2] for path in data.videos["path"]}) == 4
    truth = pd.read_csv(phantom / "truth" / "EchoNet-LVH.csv").set_index(["item", "frame"])
    columns = {"IVS": "septum_mm", "LVID": "cavity_mm", "LVPW": "wall_mm"}
    for row in data.measurements.itertuples():
        one = truth.loc[(row.video, row.frame)]
        assert row.length_cm * 10 == pytest.approx(one[columns[row.measure]], abs=1e-3)
        pixels = np.hypot(row.x2 - row.x1, row.y2 - row.y1)
        assert pixels * one["mm_per_px"] == pytest.approx(row.length_cm * 10, abs=1e-2)
    assert len(data.keypoints) >= 6
    assert all((np.diff(points[:, 1]) < 0).all() for points in data.keypoints["points"])  # bottom to top
    phases = data.measurements[data.measurements["measure"] == "LVID"].pivot_table(
        index="video", columns="phase", values="length_cm"
    )
    assert (phases["ED"] > phases["ES"]).dropna().all()


def test_header_of_the_measurement_list(phantom):
    header = (phantom / "EchoNet-LVH" / "MeasurementsList.csv").read_text().splitlines()[0]
    assert header == ",HashedFileName,Calc,CalcValue,Frame,X1,X2,Y1,Y2,Frames,FPS,Width,Height,split"


def test_same_seed_same_bytes_whatever_the_threads(phantom, tmp_path):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        again = write_phantom(tmp_path / "again", SMALL, **NAMED)
    finally:
        torch.set_num_threads(threads)
    files = sorted(p.relative_to(phantom) for p in phantom.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert all((phantom / f).read_bytes() == (again / f).read_bytes() for f in files)


def test_a_finished_phantom_is_left_alone(phantom, monkeypatch):
    def never(*_, **__):
        raise AssertionError("written again")

    monkeypatch.setattr(datasets, "write_datasets", never)
    assert write_phantom(phantom, SMALL, **NAMED) == phantom
    with pytest.raises(AssertionError, match="written again"):
        write_phantom(phantom, SMALL, **{**NAMED, "seed": 8})


def test_a_failure_leaves_the_old_folder_whole_and_nothing_beside_it(tmp_path, monkeypatch):
    folder = tmp_path / "phantom"
    write_phantom(folder, {"echonet_dynamic": 1, "camus": 0, "echonet_lvh": 0}, progress=False)
    before = (folder / "phantom.json").read_bytes()

    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(shared_arithmetic, "is_supported", lambda: False)  # it is written by this process
    monkeypatch.setattr("echolib.phantom.writers.echonet_dynamic.write_tables", fail)
    with pytest.raises(OSError, match="No space"):
        write_phantom(folder, {"echonet_dynamic": 2, "camus": 0, "echonet_lvh": 0}, progress=False)
    assert (folder / "phantom.json").read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"phantom", "phantom.lock"}


def test_what_a_killed_call_left_is_removed_by_the_next(tmp_path):
    """Killed with kill -9 nothing is tidied; the lock's holder alone may remove what lies there."""
    few = {"echonet_dynamic": 1, "camus": 0, "echonet_lvh": 0}
    script = "from echolib.phantom.writers import datasets\nimport os, signal, sys\n"
    script += "datasets.write_json = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    script += f"datasets.write_phantom(sys.argv[1], {few}, progress=False)\n"
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "phantom")], check=False)
    assert killed.returncode == -signal.SIGKILL and list(tmp_path.glob(".phantom.*.partial"))
    with phantom_lock(tmp_path / "phantom"):
        assert list(tmp_path.glob(".phantom.*.partial"))
    check_folder(write_phantom(tmp_path / "phantom", few, progress=False) / "EchoNet-Dynamic")
    assert {path.name for path in tmp_path.iterdir()} == {"phantom", "phantom.lock"}


def test_two_processes_that_want_one_phantom_write_it_once(tmp_path):
    few = {"echonet_dynamic": 2, "camus": 0, "echonet_lvh": 0}
    script = "import sys\nfrom pathlib import Path\nfrom echolib.phantom.writers import datasets\n"
    script += "whole = datasets.write_datasets\n"
    script += "datasets.write_datasets = lambda *a, **b: print('writes', flush=True) or whole(*a, **b)\n"
    script += f"datasets.write_phantom(Path(sys.argv[1]), {few}, progress=False)\n"
    command = [sys.executable, "-c", script, str(tmp_path / "phantom")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0] and sorted(said) == [b"", b"writes\n"]
    check_folder(tmp_path / "phantom" / "EchoNet-Dynamic")


def test_every_dataset_has_its_hashes(phantom):
    for part in ("CAMUS", "EchoNet-Dynamic", "EchoNet-LVH", "truth"):
        check_folder(phantom / part)


def test_description_tells_the_parameters(phantom):
    description = json.loads((phantom / "phantom.json").read_text())
    assert description["items"] == SMALL and description["seed"] == 7 and "version" in description


def test_what_is_not_counted_has_a_sixth_of_the_largest_and_at_least_six():
    assert datasets.all_items({"echonet_dynamic": 60}) == {"camus": 10, "echonet_dynamic": 60, "echonet_lvh": 10}
    assert datasets.all_items({"camus": 0}) == {"camus": 0, "echonet_dynamic": 6, "echonet_lvh": 6}
    with pytest.raises(ValueError, match="no phantom of camus2: of camus, echonet_dynamic, echonet_lvh alone"):
        datasets.all_items({"camus2": 3})


@pytest.mark.parametrize("rate", [45, 75, 118])
@pytest.mark.parametrize("irregular", [False, True])
def test_labelled_frames_are_the_extremes_of_their_beat(rate, irregular):
    rng = np.random.default_rng(rate)
    heart = draw_hearts(rng, np.array([58.0]), np.array([110.0]))
    frames = int(50 * 1.5 * 60 / rate)
    beating = draw_beating_heart(rng, heart, rate, irregular, frames, 50.0)
    assert 0 <= beating.end_diastole < beating.end_systole < frames
    edv, esv = beating.volumes_ml[[beating.end_diastole, beating.end_systole]]
    assert edv == pytest.approx(110, rel=0.03)
    assert 100 * (1 - esv / edv) == pytest.approx(58, abs=1.5)
