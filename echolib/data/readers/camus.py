"""CAMUS on disk, in its NIfTI and in its older MHD release, as tidy tables.

Source: Leclerc et al., "Deep learning for segmentation using an open large-scale dataset in 2D echocardiography",
IEEE TMI 38(9), 2019, doi 10.1109/TMI.2019.2900516. Non-commercial research only, citation mandatory.
"""

import gzip
import re
import warnings
import zlib
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from echolib.data.errors import DataError, Faults
from echolib.data.readers.checks import inside

NIFTI_HEADER_BYTES = 352
VIEWS = ("2CH", "4CH")
LABELS = ("background", "left ventricle", "myocardium", "left atrium")
_SPLIT_LISTS = {"training": "train", "validation": "val", "testing": "test"}
_OLD_FOLDERS = {"training": "train", "testing": "test"}
_PHASES = {"ED": "ED", "ES": "ES", "half_sequence": "sequence", "sequence": "sequence"}
_SUFFIXES = (".nii.gz", ".nii", ".mhd")
_NUMBERS = {  # key in the cfg -> (column, least, most)
    "EF": ("ef_percent", 0, 100),  # new release: from the scanner's report
    "LVef": ("lv_ef_percent", 0, 100),  # old release: biplane, from the masks; never mix it with EF
    "LVesv": ("esv_ml", 0, 2000),
    "LVedv": ("edv_ml", 0, 2000),
    "FrameRate": ("fps", 1, 1000),
    "Age": ("age", 0, 120),
}


class CAMUS:
    """The CAMUS folder as two tables. No image is decoded.

    Accepts the NIfTI release (`database_nifti/` with `database_split/`), the MHD release (`training/`, `testing/`) and
    a folder of patients. Empty patient folders are left out with a warning. Patients of the MHD release's `testing/`
    are numbered from 1 again, so they are called "testing-patient0001".

    `patients`, one row a patient: patient, split ("train", "val", "test", "" unknown), sex, age, quality (of the 4CH
    view where known, else 2CH), ef_percent, fps.

    `images`, one row an image: patient, split, view, phase ("ED", "ES", "sequence"), path, mask_path ("" without
    mask), frame (0-based place of ED or ES in the sequence, -1 unknown), quality, ef_percent (cfg `EF`),
    lv_ef_percent (cfg `LVef`), esv_ml, edv_ml, fps. EF and volumes belong to the patient: a view without cfg takes
    them from the other one. Quality, fps and frame belong to the view. A sequence's first frame may be ES.

    Raises DataError with every fault: cfg lines that cannot be read, EF, frames or rates out of range, patients listed
    in two splits or in none, names in lists or links that lead out of the folder, a mask without its image.
    """

    def __init__(self, root: str | PathLike):
        self.root = Path(root)
        faults = Faults(f"CAMUS in {self.root}", "correct the listed files, or download the dataset again")
        folders = _patient_folders(self.root, faults)
        lists = _split_lists(self.root, faults)
        rows, people = [], []
        for name, (folder, split) in folders.items():
            if lists:
                split = lists.get(name, "")
                if not split:
                    faults.add(f"{folder} is in none of the lists of {self.root / 'database_split'}")
            images, person = _read_patient(name, folder, split, faults)
            rows.extend(images)
            people.append(person)
        faults.raise_any()
        self.images, self.patients = pd.DataFrame(rows), pd.DataFrame(people)

    def __repr__(self) -> str:
        return f"CAMUS({str(self.root)!r}): {len(self.patients)} patients, {len(self.images)} images"


def read_camus(path: str | PathLike) -> tuple[np.ndarray, tuple[float, float]]:
    """An image or sequence as uint8 (T, H, W) and its pixel size (row, column) in mm, from the header.

    Raises DataError when the file cannot be read or does not hold grey values from 0 to 255.
    """
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DataError(f"{path} is not a readable NIfTI or MHD image ({reason}): download it again") from error
    pixels = SimpleITK.GetArrayFromImage(image)
    _check_whole(Path(path), pixels.nbytes)
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3 or pixels.size == 0 or pixels.min() < 0 or pixels.max() > 255:
        raise DataError(f"{path}: shape {pixels.shape} or values outside 0 to 255: not a CAMUS image")
    column, row = image.GetSpacing()[:2]
    return pixels.astype("uint8"), (row, column)


def _check_whole(path: Path, pixel_bytes: int) -> None:
    """Refuses a NIfTI file cut short: the ITK reader takes what it lacks for black, or for what memory holds."""
    if path.name.endswith(".mhd"):
        return  # the size of a raw file is checked by the reader
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged or cut short ({error}): download it again") from error
    if len(content) < NIFTI_HEADER_BYTES + pixel_bytes:
        raise DataError(f"{path} is cut short ({len(content)} bytes unpacked): download it again")


def read_camus_mask(path: str | PathLike) -> tuple[np.ndarray, tuple[float, float]]:
    """A mask as uint8 (T, H, W) with labels 0 background, 1 left ventricle, 2 myocardium, 3 left atrium; pixel size.

    Raises DataError when the file cannot be read or holds another label.
    """
    labels, spacing = read_camus(path)
    if labels.max() >= len(LABELS):
        raise DataError(f"{path} holds label {labels.max()}, the labels are 0 to {len(LABELS) - 1}")
    return labels, spacing


def camus_frames(path: str | PathLike) -> np.ndarray:
    """The pixels of `read_camus` alone, as `FrameStore.build(read=...)` takes them."""
    return read_camus(path)[0]


def camus_labels(path: str | PathLike) -> np.ndarray:
    """The labels of `read_camus_mask` alone, as `FrameStore.build(read=..., interpolation="nearest")` takes them."""
    return read_camus_mask(path)[0]


camus_frames.packages = camus_labels.packages = ("SimpleITK",)  # whose version decides the pixels


def _patient_folders(root: Path, faults: Faults) -> dict[str, tuple[Path, str]]:
    """Patient -> (folder, split by the old layout's folders)."""
    if (root / "database_nifti").is_dir():
        places = [(root / "database_nifti", "", "")]
    elif any((root / name).is_dir() for name in _OLD_FOLDERS):
        places = [
            (root / name, split, "testing-" if name == "testing" else "")
            for name, split in _OLD_FOLDERS.items()
            if (root / name).is_dir()
        ]
    else:
        places = [(root, "", "")]
    found, empty = {}, []
    for place, split, prefix in places:
        for folder in sorted(place.glob("patient*")):
            if not folder.is_dir():
                continue
            if not inside(root, folder):
                faults.add(f"{folder} is a link that leads out of {root}")
            elif any(folder.iterdir()):
                found[prefix + folder.name] = (folder, split)
            else:
                empty.append(folder.name)
    if empty:
        warnings.warn(f"CAMUS in {root}: empty patient folders left out: {', '.join(empty)}", stacklevel=3)
    if not found:
        faults.add(f"{root} holds no patient folder (database_nifti/, training/ or patientXXXX/)")
    return found


def _split_lists(root: Path, faults: Faults) -> dict[str, str]:
    """Patient -> split by the official lists; empty when there are none."""
    splits: dict[str, str] = {}
    if not (root / "database_split").is_dir():
        return splits
    for name, split in _SPLIT_LISTS.items():
        path = root / "database_split" / f"subgroup_{name}.txt"
        if not path.is_file():
            faults.add(f"{path} is missing")
            continue
        for row, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
            patient = line.strip()
            if patient and not re.fullmatch(r"patient\d+", patient):
                faults.add(f"{path.name} row {row}: {patient!r} is not a patient's name")
            elif patient in splits:
                faults.add(f"{path.name} row {row}: {patient} is already in the {splits[patient]} list")
            elif patient:
                splits[patient] = split
    return splits


def _read_patient(name: str, folder: Path, split: str, faults: Faults) -> tuple[list[dict], dict]:
    cfg = {view: _read_cfg(folder / f"Info_{view}.cfg", faults) for view in VIEWS}

    def either(column: str, missing):
        return next((cfg[view][column] for view in reversed(VIEWS) if column in cfg[view]), missing)

    shared = {column: either(column, np.nan) for column in ("ef_percent", "lv_ef_percent", "esv_ml", "edv_ml")}
    rows = []
    for view in VIEWS:
        own = {"quality": cfg[view].get("quality", ""), **shared, "fps": cfg[view].get("fps", np.nan)}
        files = _view_files(folder, view, faults)
        for phase, (path, mask) in files.items():
            frame = cfg[view].get(phase, -1)
            rows.append(
                {"patient": name, "split": split, "view": view, "phase": phase, "path": path, "mask_path": mask}
                | {"frame": frame, **own}
            )
    if not rows:
        faults.add(f"{folder} holds no image of a view")
    person = {"patient": name, "split": split, "sex": either("sex", ""), "age": either("age", np.nan)}
    person |= {"quality": either("quality", ""), "ef_percent": shared["ef_percent"], "fps": either("fps", np.nan)}
    return rows, person


def _view_files(folder: Path, view: str, faults: Faults) -> dict[str, tuple[str, str]]:
    """Phase -> (image, mask or "") of one view."""
    found = {}
    for kind, phase in _PHASES.items():
        stem = f"{folder.name}_{view}_{kind}"
        image, mask = (
            next((path for suffix in _SUFFIXES if (path := folder / f"{stem}{end}{suffix}").exists()), None)
            for end in ("", "_gt")
        )
        for path in (image, mask):
            if path and path.is_symlink() and not inside(folder.parent, path):
                faults.add(f"{path} is a link that leads out of {folder.parent}")
        if mask and not image:
            faults.add(f"{mask} has no image beside it")
        if image:
            found[phase] = (str(image), str(mask or ""))
    return found


def _read_cfg(path: Path, faults: Faults) -> dict:
    """The cfg of one view by column names, with ED and ES as 0-based frames; empty when there is no file."""
    if not path.is_file():
        return {}
    raw = {}
    for row, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        key, colon, value = line.partition(":")
        if colon:
            raw[key.strip()] = value.strip()
        elif line.strip():
            faults.add(f"{path} row {row}: {line.strip()!r} is not 'key: value'")
    cfg = {name: raw[key] for key, name in (("Sex", "sex"), ("ImageQuality", "quality")) if raw.get(key)}
    for key, (column, least, most) in _NUMBERS.items():
        if raw.get(key):
            value = _number(raw[key])
            if not least <= value <= most:
                faults.add(f"{path}: {key} is {raw[key]}, not within {least} to {most}")
            cfg[column] = value
    total = _number(raw.get("NbFrame", "inf"))
    for phase in ("ED", "ES"):
        if raw.get(phase):
            value = _number(raw[phase])  # 1-based in the file; ED may be the last frame
            if not (1 <= value <= total and value == int(value)):
                faults.add(f"{path}: {phase} is {raw[phase]}, not a frame from 1 to {raw.get('NbFrame', '?')}")
                continue
            cfg[phase] = int(value) - 1
    return cfg


def _number(text: str) -> float:
    """The number, NaN (which fails every range check) when the text is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
