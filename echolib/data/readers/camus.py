"""CAMUS on disk, in its NIfTI and in its older MHD release, as tidy tables."""

import os
import re
import warnings
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from echolib.data.camus_folds import FOLDS, Population, cross_validated, thinned
from echolib.data.checks import check_one_split, check_percent, inside, read_text
from echolib.data.dataset_entry import DatasetEntry, Options
from echolib.data.errors import DataError, Faults
from echolib.data.image import image_frames, image_spacing, mask_frames

VIEWS = ("2CH", "4CH")
_SPLIT_LISTS = {"training": "train", "validation": "val", "testing": "test"}
_OLD_FOLDERS = {"training": "train", "testing": "test"}
_PHASES = {"ED": "ED", "ES": "ES", "half_sequence": "sequence", "sequence": "sequence"}
_SUFFIXES = (".nii.gz", ".nii", ".mhd")
_WORDS = {"Sex": ("F", "M"), "ImageQuality": ("Good", "Medium", "Poor")}
_NUMBERS = {  # key in the cfg -> (column, least, most)
    "EF": ("ef_percent", 0, 100),  # new release: from the scanner's report
    "LVef": ("lv_ef_percent", 0, 100),  # old release: biplane, from the masks; never mix it with EF
    "LVesv": ("esv_ml", 0, 2000),
    "LVedv": ("edv_ml", 0, 2000),
    "FrameRate": ("fps", 1, 1000),
    "Age": ("age", 0, 120),
}


class CAMUSOptions(Options):
    """Which images of CAMUS, and how its patients are split."""

    views: tuple[Literal["2CH", "4CH"], ...] = ("4CH",)
    sequences: bool = False  # the sequences without masks, in place of the ED and ES images with masks
    fold: int | None = Field(default=None, ge=0, lt=FOLDS)  # whose patients are the test; None: the official split
    population: Population = "natural"  # of training and validation; "echonet" has EchoNet-Dynamic's imbalance of EF


class CAMUS:
    """The CAMUS folder as two tables. No image is decoded.

    Accepts the NIfTI release (`database_nifti/` with `database_split/`), the MHD release (`training/`, `testing/`) and
    a folder of patients. Empty patient folders are left out with a warning. Patients of the MHD release's `testing/`
    are numbered from 1 again, so they are called "testing-patient0001".

    `patients`, one row per patient: patient, split ("train", "val", "test", "" unknown), sex, age, quality (of the 4CH
    view where known, else 2CH), ef_percent, fps.

    `images`, one row per image: patient, split, view, phase ("ED", "ES", "sequence"), path, mask_path ("" without
    mask), frame (0-based position of ED or ES in the sequence, -1 unknown), quality, ef_percent (cfg `EF`),
    lv_ef_percent (cfg `LVef`), esv_ml, edv_ml, fps. EF and volumes belong to the patient: a view without cfg takes
    them from the other one. Quality, fps and frame belong to the view. A sequence's first frame may be ES.

    Raises DataError with every fault: cfg lines that cannot be read or contradict each other, EF, frames or rates out
    of range, EF as fractions, volumes of ES not below those of ED, unknown sexes or qualities, patients listed in two
    splits or in none, one image in two splits, names in lists or links that lead out of the folder, a mask without its
    image, a mask of only one of ED and ES.
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
        images = pd.DataFrame(rows)
        if len(images):
            check_one_split(faults, images["path"].map(_pixel_file), images["split"])
            for key in ("EF", "LVef"):
                check_percent(faults, f"{key} in Info_*.cfg", images[_NUMBERS[key][0]])
        faults.raise_any()
        self.images, self.patients = images, pd.DataFrame(people)

    def __repr__(self) -> str:
        return f"CAMUS({str(self.root)!r}): {len(self.patients)} patients, {len(self.images)} images"


def _patient_folders(root: Path, faults: Faults) -> dict[str, tuple[Path, str]]:
    """Patient -> (folder, split by the old layout's folders)."""
    patients, empty = {}, []
    for parent, split, prefix in _parent_folders(root):
        for folder in sorted(parent.glob("patient*")):
            if not folder.is_dir():
                continue
            if not inside(root, folder):
                faults.add(f"{folder} is a link that leads out of {root}")
            elif any(folder.iterdir()):
                patients[prefix + folder.name] = (folder, split)
            else:
                empty.append(folder.name)
    if empty:
        warnings.warn(f"CAMUS in {root}: empty patient folders left out: {', '.join(empty)}", stacklevel=3)
    if not patients:
        faults.add(f"{root} holds no patient folder (database_nifti/, training/ or patientXXXX/)")
    return patients


def _parent_folders(root: Path) -> list[tuple[Path, str, str]]:
    """Folders that hold patients, with the split of these patients ("" unknown) and the prefix of their names."""
    if (root / "database_nifti").is_dir():
        return [(root / "database_nifti", "", "")]
    old = [
        (root / name, split, "testing-" if name == "testing" else "")
        for name, split in _OLD_FOLDERS.items()
        if (root / name).is_dir()
    ]
    return old or [(root, "", "")]


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
        for row, line in enumerate(_lines(path, faults), 1):
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
    files = {}
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
            files[phase] = (str(image), str(mask or ""))
    masks = [bool(files[phase][1]) for phase in ("ED", "ES") if phase in files]
    if any(masks) and not all(masks):
        faults.add(f"{folder}: one of its {view} images of ED and ES has a mask, the other none")
    return files


def _pixel_file(path: str) -> str | None:
    """The file in which an image's pixels lie: the headers of two patients may well be equal."""
    if not path.endswith(".mhd"):
        return path
    return next((raw for suffix in ("raw", "zraw") if os.path.isfile(raw := f"{path[:-3]}{suffix}")), None)


def _read_cfg(path: Path, faults: Faults) -> dict:
    """The cfg of one view by column names, with ED and ES as 0-based frames; empty when there is no file."""
    if not path.is_file():
        return {}
    raw: dict[str, str] = {}
    for row, line in enumerate(_lines(path, faults), 1):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if colon and raw.setdefault(key, value) != value:
            faults.add(f"{path} row {row}: {key} is {value}, and {raw[key]} before")
        elif not colon and line.strip():
            faults.add(f"{path} row {row}: {line.strip()!r} is not 'key: value'")
    named = {name: raw[key] for key, name in (("Sex", "sex"), ("ImageQuality", "quality")) if raw.get(key)}
    cfg: dict[str, str | float] = {**named}
    for key, words in _WORDS.items():
        if raw.get(key) and raw[key] not in words:
            faults.add(f"{path}: {key} is {raw[key]}, not {' or '.join(words)}")
    for key, (column, least, most) in _NUMBERS.items():
        if raw.get(key):
            value = _number(raw[key])
            if not least <= value <= most:
                faults.add(f"{path}: {key} is {raw[key]}, not within {least} to {most}")
            cfg[column] = value
    if _number(raw.get("LVesv", "")) >= _number(raw.get("LVedv", "")):
        faults.add(f"{path}: LVedv is {raw['LVedv']}, not above LVesv of {raw['LVesv']} mL: are they swapped?")
    total = _number(raw.get("NbFrame", "inf"))
    for phase in ("ED", "ES"):
        if raw.get(phase):
            value = _number(raw[phase])  # 1-based in the file; ED may be the last frame
            if not (1 <= value <= total and value == int(value)):
                faults.add(f"{path}: {phase} is {raw[phase]}, not a frame from 1 to {raw.get('NbFrame', '?')}")
                continue
            cfg[phase] = int(value) - 1
    return cfg


def _lines(path: Path, faults: Faults) -> list[str]:
    """The lines of a text file; none, and a fault, where it is no text."""
    try:
        return read_text(path).splitlines()
    except DataError as error:
        faults.add(str(error))
        return []


def _number(text: str) -> float:
    """The number, NaN (which fails every range check) when the text is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _items(tables: CAMUS, options: CAMUSOptions) -> pd.DataFrame:
    """One row per image of the chosen views: ED and ES images with masks, or sequences without."""
    images = tables.images[tables.images["view"].isin(options.views)]
    if options.sequences:
        images = images[images["phase"] == "sequence"].drop(columns="mask_path")
    else:
        images = images[images["phase"].isin(["ED", "ES"]) & (images["mask_path"] != "")]
    name = images["patient"] + "_" + images["view"] + "_" + images["phase"]
    images = images.assign(name=name, person=images["patient"])
    images = images if options.fold is None else cross_validated(images, options.fold)
    return thinned(images) if options.population == "echonet" else images


def _items_per_person(options: CAMUSOptions) -> int:
    return len(options.views) * (1 if options.sequences else 2)


_PARENTS = ("database_nifti/", *(f"{name}/" for name in _OLD_FOLDERS), "")
ENTRY = DatasetEntry(
    name="camus",
    title="CAMUS",
    licence="non-commercial research only, citation mandatory",
    citation='Leclerc et al., "Deep learning for segmentation using an open large-scale dataset in 2D '
    'echocardiography", IEEE TMI 38(9), 2019, doi 10.1109/TMI.2019.2900516',
    layout="database_nifti/ and database_split/ of the NIfTI release, or training/ and testing/ of the MHD release",
    reader=CAMUS,
    label_files=("database_split/*.txt", *(f"{parent}patient*/Info_*.cfg" for parent in _PARENTS)),
    image_folders=tuple(f"{parent}patient*" for parent in _PARENTS),
    items=_items,
    items_per_person=_items_per_person,
    options=CAMUSOptions,
    split_options=("fold", "population"),
    structures=("lv", "epicardium", "atrium"),
    read_frames=image_frames,
    read_labels=mask_frames,
    read_spacing=image_spacing,
    phantom="echolib.phantom.writers.camus",
)
