"""Everything that is read from disk, small: the datasets, clips of one's own, stores, states, results."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from echolib.data.checksums import Checksums, write_checksums
from echolib.data.errors import DataError
from echolib.data.image import read_image
from echolib.data.registry import entry
from echolib.data.selection import DataSelection
from echolib.data.store.frame_store import FrameStore
from echolib.data.video import read_video
from echolib.engine.checkpoint import read_tensors
from echolib.engine.execution import flaw, run
from echolib.engine.experiment import Result, RunContext
from echolib.engine.schedule import Schedule
from echolib.engine.trainer import OutOfTime
from echolib.files import write_json
from echolib.papers.echonet_dynamic.experiments import ef_experiments
from echolib.papers.profiles import PROFILES
from echolib.phantom import write_phantom
from echolib.provenance import read_record
from echolib.runner.stamp import is_current, report_hashes, write_stamp
from tests.data.made import moving_noise, write_avi
from tests.engine import toy
from tests.fuzz.verdicts import Damaged, Target, digest

SIZES = {"camus": (320, 400), "echonet_lvh": (192, 256)}  # hold the largest picture
ITEMS = {"echonet_dynamic": 3, "camus": 3, "echonet_lvh": 3}
PIXELS = "another bit inside a compressed picture"
DIGITS = "another number in a table"
VOXELS = "another value of a pixel"


def phantom_part(title: str, folder: Path, *, hashes: bool = True) -> None:
    """One dataset of a phantom, with or without the hashes of its files."""
    made = write_phantom(folder.parent / f"{folder.name}.phantom", ITEMS, progress=False)
    shutil.copytree(made / title, folder)
    shutil.rmtree(made)
    if not hashes:
        (folder / "SHA256SUMS").unlink()


def read_dataset(name: str, folder: Path) -> str:
    """Tables, frames, masks and pixel sizes as a task receives them."""
    selection = DataSelection(dataset=name, folder=folder, size=SIZES.get(name))
    data = selection.open(folder / "cache")
    facts = data.items.drop(columns=["path", "mask_path"], errors="ignore")
    tables = [table.to_csv() for table in (facts, *data.tables.values())]
    drawn = [(table, column) for table in data.tables.values() for column in ("tracing", "points") if column in table]
    arrays = [np.stack(table[column].tolist()) for table, column in drawn]
    masks = [] if data.masks is None else [data.masks.frames(item) for item in data.masks.names]
    return digest(*tables, *arrays, *(data.frames.frames(item) for item in data.frames.names), *masks)


def dataset(name: str, kind: str, files: tuple[str, ...], *, hashes: bool = True, limit: str = "") -> Target:
    """A dataset of the phantom as a target."""
    title = f"{entry(name).title} {kind}" + ("" if hashes else ", no hash kept")
    make = partial(phantom_part, entry(name).title, hashes=hashes)
    return Target(title, make, partial(read_dataset, name), files, "" if hashes else limit)


def make_clips(folder: Path, *, hashes: bool) -> None:
    """Clips of one's own: MP4 and MOV as FFmpeg writes them, and DICOM, compressed and not."""
    folder.mkdir()
    frames = moving_noise(8, 48, 64)
    for suffix, codec in ((".mp4", "libx264"), (".mov", "mpeg4")):
        write_movie(folder / f"clip{suffix}", frames, codec)
    write_dicom(folder / "clip.dcm", frames)
    if hashes:
        write_checksums(folder)


def write_movie(path: Path, frames: np.ndarray, codec: str) -> None:
    """A movie of grey frames by PyAV."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode())


def write_dicom(path: Path, frames: np.ndarray) -> None:
    """A multi-frame DICOM file of grey frames."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = UltrasoundMultiFrameImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    data.NumberOfFrames, data.Rows, data.Columns = frames.shape
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit = 7
    data.PixelData = frames.tobytes()
    data.save_as(path, enforce_file_format=True)


def make_avis(folder: Path) -> None:
    """Videos as OpenCV writes them."""
    for number in range(3):
        write_avi(folder / f"clip{number}.avi", moving_noise(12, 112, 112, number))


def read_clips(folder: Path) -> str:
    """Clips, each held to its hash where one was kept."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".avi", ".mp4", ".mov", ".dcm"))
    Checksums(folder).check(paths)
    return digest(*map(read_video, paths))


def make_mhd(folder: Path) -> None:
    """CAMUS as in its older release, MHD and raw, with the hashes of its files."""
    import SimpleITK

    phantom_part("CAMUS", folder.with_name(f"{folder.name}.new"), hashes=False)
    for patient in sorted(folder.with_name(f"{folder.name}.new").glob("database_nifti/patient*")):
        to = folder / "training" / patient.name
        to.mkdir(parents=True)
        for path in patient.glob("*_4CH_E?*.nii.gz"):
            SimpleITK.WriteImage(SimpleITK.ReadImage(str(path)), str(to / path.name.replace(".nii.gz", ".mhd")))
        shutil.copyfile(patient / "Info_4CH.cfg", to / "Info_4CH.cfg")
    shutil.copytree(folder.with_name(f"{folder.name}.new") / "database_split", folder / "database_split")
    shutil.rmtree(folder.with_name(f"{folder.name}.new"))
    write_checksums(folder)


def make_images(folder: Path) -> None:
    """Uncompressed NIfTI, whose voxels nothing protects."""
    import SimpleITK

    folder.mkdir()
    image = SimpleITK.GetImageFromArray(moving_noise(1, 40, 50)[0])
    image.SetSpacing((0.3, 0.3))
    SimpleITK.WriteImage(image, str(folder / "image.nii"))


def read_images(folder: Path) -> str:
    """Pixels and pixel size."""
    return digest(*(part for path in sorted(folder.glob("*.nii")) for part in read_image(path)))


def sources(folder: Path) -> dict[str, Path]:
    """The videos that a store under test was decoded from."""
    return {path.stem: path for path in sorted((folder / "videos").glob("*.avi"))}


def make_store(folder: Path) -> None:
    """A finished store with its sources."""
    make_avis(folder / "videos")
    FrameStore.build(folder / "store", sources(folder), progress=False)


def read_store(folder: Path) -> str:
    """A store as it is opened by those who have no sources."""
    store = FrameStore(folder / "store")
    lookup = None if store.lookup is None else store.lookup
    return digest(store.names, store.native_sizes, lookup, *map(store.frames, store.names))


def make_half_store(folder: Path) -> None:
    """A build that stopped: its last video cannot be read."""
    make_avis(folder / "videos")
    whole = (folder / "videos" / "clip2.avi").read_bytes()
    (folder / "videos" / "clip2.avi").write_bytes(whole[:500])
    try:
        FrameStore.build(folder / "store", sources(folder), progress=False)
    except DataError:
        (folder / "videos" / "clip2.avi").write_bytes(whole)


def finish_store(folder: Path) -> str:
    """What a build that goes on makes of it."""
    FrameStore.build(folder / "store", sources(folder), progress=False)
    return read_store(folder)


def make_training(folder: Path) -> None:
    """A training stopped after two of four epochs."""
    torch.set_num_threads(1)

    def stop(share: float) -> None:
        ticks.append(share)
        if sum(ticks) > 1.5:
            trainer.deadline = 0.0

    ticks: list[float] = []
    trainer = toy.trainer(folder, tick=stop)
    try:
        trainer.run(toy.toy_model())
    except OutOfTime:
        return


def go_on(folder: Path) -> str:
    """The weights and the log that the training ends with."""
    torch.set_num_threads(1)
    toy.trainer(folder).run(toy.toy_model())
    weights, _ = read_tensors(folder / "best.safetensors")
    return digest((folder / "log.csv").read_text(), *(weights[name].numpy() for name in sorted(weights)))


def experiment(folder: Path):
    """A small experiment on a phantom beside it."""
    (first, *_) = ef_experiments(PROFILES["smoke"], folder / "data", "mc3_18")
    schedule = Schedule(epochs=1, batch_size=2, optimiser="adamw", learning_rate=1e-3)
    return first.model_copy(update={"schedule": schedule})


def make_finished(folder: Path) -> None:
    """A finished experiment with its data."""
    torch.set_num_threads(1)
    folder.mkdir()
    phantom_part("EchoNet-Dynamic", folder / "data")
    run(experiment(folder), RunContext(folder / "runs", folder / "cache", torch.device("cpu")))


def read_finished(folder: Path) -> str:
    """Its tables, figures and weights, as they are used; damage is said, and it would be run again."""
    wanted = experiment(folder)
    if fault := flaw(wanted, folder / "runs", folder / "cache", weights=True):
        raise Damaged(fault)
    result = Result(wanted, wanted.folder(folder / "runs"))
    weights, _ = read_tensors(result.folder / "best.safetensors")
    tables = [pd.read_csv(path).to_csv() for path in sorted(result.folder.glob("*.csv"))]
    return digest(*tables, sorted(result.metrics.items()), *(weights[name].numpy() for name in sorted(weights)))


def make_records(folder: Path) -> None:
    """A report of one notebook, and the stamp that says what it was made from."""
    report, stamp = folder / "reports" / "01_one", folder / "runs" / "01_one.json"
    claims = [{"claim": "C1", "verdict": "supported", "difference": 1.25}, {"claim": "C2", "verdict": "open"}]
    write_json(report / "record.json", {"notebook": "01_one", "data": {"CAMUS": "phantom"}, "claims": claims})
    (report / "table.csv").write_text("method,mae\nMC3,5.14\nR3D,5.77\n")
    write_stamp(stamp, {"parameters": {"profile": "smoke"}}, report_hashes(report))


def read_stamped(folder: Path) -> str:
    """A report as a study finds it: what is not as its stamp says is made again."""
    report, stamp = folder / "reports" / "01_one", folder / "runs" / "01_one.json"
    if not is_current(stamp, {"parameters": {"profile": "smoke"}}, report):
        raise Damaged("not up to date")
    return digest(read_record(report / "record.json"), (report / "table.csv").read_text())


def read_gathered(folder: Path) -> str:
    """A record as the scorecard reads it."""
    return digest(read_record(folder / "reports" / "01_one" / "record.json"))


ECHONET_TABLES, CAMUS_TABLES = ("*.csv",), ("database_nifti/*/*.cfg", "database_split/*.txt")
IMAGES = ("database_nifti/*/*_4CH_E?*.nii.gz",)
TARGETS = {
    "AVI": (
        dataset("echonet_dynamic", "videos", ("Videos/*.avi",)),
        dataset("echonet_dynamic", "videos", ("Videos/*.avi",), hashes=False, limit=PIXELS),
        Target("AVI by OpenCV, decoded before", make_store, finish_store, ("videos/*.avi",)),
        Target("AVI by OpenCV, no hash kept", make_avis, read_clips, ("*.avi",), PIXELS),
    ),
    "MOV, MP4, DICOM": (
        Target("clips", partial(make_clips, hashes=True), read_clips, ("clip.*",)),
        Target("clips, no hash kept", partial(make_clips, hashes=False), read_clips, ("clip.*",), PIXELS),
    ),
    "CSV, cfg, split lists": (
        dataset("echonet_dynamic", "tables", ECHONET_TABLES),
        dataset("echonet_lvh", "table", ECHONET_TABLES),
        dataset("camus", "settings", CAMUS_TABLES),
        dataset("echonet_dynamic", "tables", ECHONET_TABLES, hashes=False, limit=DIGITS),
        dataset("echonet_lvh", "table", ECHONET_TABLES, hashes=False, limit=DIGITS),
        dataset("camus", "settings", CAMUS_TABLES, hashes=False, limit=DIGITS),
    ),
    "NIfTI, MHD": (
        dataset("camus", "images", IMAGES),
        Target("CAMUS in MHD", make_mhd, partial(read_dataset, "camus"), ("*/*/*.mhd", "*/*/*.raw")),
        dataset("camus", "images", IMAGES, hashes=False),  # gzip keeps a checksum of its own
        Target("NIfTI, not compressed, no hash kept", make_images, read_images, ("*.nii",), VOXELS),
    ),
    "SHA256SUMS": (
        dataset("echonet_dynamic", "hashes", ("SHA256SUMS",)),
        dataset("camus", "hashes", ("SHA256SUMS",)),
    ),
    "records": (
        Target("report and stamp", make_records, read_stamped, ("reports/*/*", "runs/*.json")),
        Target("record, no hash kept", make_records, read_gathered, ("reports/*/record.json",), DIGITS),
    ),
    "store frames and manifest": (Target("store", make_store, read_store, ("store/manifest.json", "store/*.u8")),),
    "store journal, partial": (
        Target("half a store", make_half_store, finish_store, ("store/building.jsonl", "store/frames.partial")),
    ),
    "resume state, best weights, log": (
        Target("training", make_training, go_on, ("last/state.safetensors", "best.safetensors", "log.csv")),
    ),
    "finished experiment": (Target("experiment", make_finished, read_finished, ("runs/*/*.*",)),),
}
