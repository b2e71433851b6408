"""The CAMUS reader in both releases."""

import os
import warnings

import numpy as np
import pytest

from echolib.data import CAMUS, DataError, image_frames, mask_frames, read_image, read_mask

SimpleITK = pytest.importorskip("SimpleITK")
NEW_CFG = "ED: 1\nES: 9\nNbFrame: 9\nSex: F\nAge: 56\nImageQuality: Good\nEF: 54\nFrameRate: 48.4\n"
OLD_CFG = "ED: 9\nES: 1\nNbFrame: 9\nImageQuality: Poor\nLVedv: 94.0\nLVesv: 34.6\nLVef: 63.2\n"


def write_image(path, array, spacing=(0.308, 0.154)):
    """Writes (H, W) or (T, H, W) with a pixel size of (row, column) mm."""
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((spacing[1], spacing[0], 1.0)[: array.ndim])
    SimpleITK.WriteImage(image, str(path))


def write_patient(folder, cfg, suffix=".nii.gz", sequence="half_sequence", views=("2CH", "4CH"), masks=True):
    folder.mkdir(parents=True)
    rng = np.random.default_rng([*str(folder).encode()])
    for view in views:
        for kind, shape in (("ED", (12, 10)), ("ES", (12, 10)), (sequence, (9, 12, 10))):
            write_image(folder / f"{folder.name}_{view}_{kind}{suffix}", rng.integers(0, 256, shape).astype("uint8"))
            if masks and kind != "sequence":
                labels = rng.integers(0, 4, shape).astype("uint8")
                write_image(folder / f"{folder.name}_{view}_{kind}_gt{suffix}", labels)
        (folder / f"Info_{view}.cfg").write_text(cfg)


@pytest.fixture
def new_root(tmp_path):
    root = tmp_path / "CAMUS"
    (root / "database_split").mkdir(parents=True)
    for number, name in enumerate(["training", "validation", "testing"], 1):
        write_patient(root / "database_nifti" / f"patient000{number}", NEW_CFG)
        (root / "database_split" / f"subgroup_{name}.txt").write_text(f"patient000{number}\n")
    return root


@pytest.fixture
def old_root(tmp_path):
    root = tmp_path / "CAMUS"
    write_patient(root / "training" / "patient0001", OLD_CFG, ".mhd", "sequence")
    write_patient(root / "testing" / "patient0001", OLD_CFG, ".mhd", "sequence", masks=False)
    return root


def refusal(root) -> str:
    with pytest.raises(DataError) as caught:
        CAMUS(root)
    return str(caught.value)


def test_new_release(new_root):
    dataset = CAMUS(new_root)
    assert dataset.patients["split"].tolist() == ["train", "val", "test"]
    first = dataset.patients.iloc[0]
    assert (first.sex, first.age, first.quality, first.ef_percent, first.fps) == ("F", 56, "Good", 54, 48.4)
    assert len(dataset.images) == 3 * 2 * 3
    images = dataset.images[dataset.images["patient"] == "patient0002"].set_index(["view", "phase"])
    assert images["frame"].to_dict() == {
        ("2CH", "ED"): 0, ("2CH", "ES"): 8, ("2CH", "sequence"): -1,
        ("4CH", "ED"): 0, ("4CH", "ES"): 8, ("4CH", "sequence"): -1,
    }  # fmt: skip
    assert images.loc[("4CH", "ED"), "mask_path"].endswith("patient0002_4CH_ED_gt.nii.gz")
    assert images.loc[("4CH", "sequence"), "path"].endswith("patient0002_4CH_half_sequence.nii.gz")
    assert (images["ef_percent"] == 54).all() and images["lv_ef_percent"].isna().all()


def test_old_release(old_root):
    dataset = CAMUS(old_root)
    assert dataset.patients.set_index("patient")["split"].to_dict() == {
        "patient0001": "train",
        "testing-patient0001": "test",
    }
    train = dataset.images[dataset.images["split"] == "train"].set_index(["view", "phase"])
    assert train.loc[("2CH", "ED"), "frame"] == 8 and train.loc[("2CH", "ES"), "frame"] == 0  # runs from ES to ED
    assert train["ef_percent"].isna().all()
    assert train[["lv_ef_percent", "edv_ml", "esv_ml"]].drop_duplicates().to_numpy().tolist() == [[63.2, 94.0, 34.6]]
    assert set(train.xs("sequence", level="phase")["mask_path"]) == {""}
    assert set(dataset.images[dataset.images["split"] == "test"]["mask_path"]) == {""}


@pytest.mark.parametrize("suffix", [".nii.gz", ".mhd"])
@pytest.mark.parametrize("shape", [(12, 10), (5, 12, 10)])
def test_pixels_and_spacing(tmp_path, suffix, shape):
    array = np.random.default_rng(1).integers(0, 256, shape).astype("uint8")
    write_image(tmp_path / f"image{suffix}", array)
    pixels, spacing = read_image(tmp_path / f"image{suffix}")
    np.testing.assert_array_equal(pixels, array.reshape(-1, 12, 10))
    assert pixels.dtype == np.uint8 and spacing == pytest.approx((0.308, 0.154))
    np.testing.assert_array_equal(image_frames(tmp_path / f"image{suffix}"), pixels)


def test_masks_hold_labels_alone(tmp_path):
    write_image(tmp_path / "mask.nii.gz", np.arange(12, dtype="uint8").reshape(3, 4) % 4)
    assert mask_frames(tmp_path / "mask.nii.gz").max() == 3
    write_image(tmp_path / "bad.nii.gz", np.full((3, 4), 4, "uint8"))
    with pytest.raises(DataError, match=r"bad\.nii\.gz holds label 4"):
        read_mask(tmp_path / "bad.nii.gz")


def test_images_that_cannot_be_read(tmp_path):
    (tmp_path / "text.nii.gz").write_text("hello")
    write_image(tmp_path / "deep.mhd", np.full((3, 4), 300, "int16"))
    write_image(tmp_path / "cut.nii.gz", np.random.default_rng(0).integers(0, 256, (90, 90)).astype("uint8"))
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "cut.nii.gz").read_bytes()[:2000])
    write_image(tmp_path / "short.nii", np.full((90, 90), 7, "uint8"))
    write_image(tmp_path / "raw.mhd", np.full((90, 90), 7, "uint8"))
    for name in ("short.nii", "raw.raw"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1000])
    for name in ("text.nii.gz", "deep.mhd", "cut.nii.gz", "none.mhd", "short.nii", "raw.mhd"):
        with pytest.raises(DataError, match=name):
            read_image(tmp_path / name)


def test_empty_patient_folder_is_left_out_with_a_warning(new_root):
    (new_root / "database_nifti" / "patient0009").mkdir()
    with pytest.warns(UserWarning, match="empty patient folders left out: patient0009"):
        assert len(CAMUS(new_root).patients) == 3


def test_a_view_without_cfg_takes_the_patients_values(new_root):
    folder = new_root / "database_nifti" / "patient0001"
    (folder / "Info_4CH.cfg").unlink()
    images = CAMUS(new_root).images
    image = images[(images["patient"] == "patient0001") & (images["view"] == "4CH") & (images["phase"] == "ED")].iloc[0]
    assert image.ef_percent == 54 and image.frame == -1 and image.quality == "" and np.isnan(image.fps)


def test_every_fault_is_in_one_error(new_root):
    folder = new_root / "database_nifti"
    (folder / "patient0001" / "Info_2CH.cfg").write_text(
        NEW_CFG.replace("EF: 54", "EF: 540").replace("ES: 9", "ES: 10")
    )
    (folder / "patient0002" / "Info_4CH.cfg").write_text(NEW_CFG.replace("Age: 56", "Age: old") + "nonsense\n")
    (folder / "patient0003" / "patient0003_2CH_ED.nii.gz").unlink()
    (new_root / "database_split" / "subgroup_testing.txt").write_text("patient0003\npatient0001\n../patient0002\n")
    write_patient(folder / "patient0004", NEW_CFG, views=("4CH",))
    text = refusal(new_root)
    for part in (
        "EF is 540, not within 0 to 100", "ES is 10, not a frame from 1 to 9", "Age is old", "row 9: 'nonsense'",
        "patient0003_2CH_ED_gt.nii.gz has no image", "row 2: patient0001 is already in the train list",
        "row 3: '../patient0002' is not a patient's name", "patient0004 is in none of the lists",
    ):  # fmt: skip
        assert part in text, part
    assert "8 faults" in text


def test_zero_is_no_frame_since_they_count_from_one(new_root):
    (new_root / "database_nifti" / "patient0001" / "Info_2CH.cfg").write_text(NEW_CFG.replace("ED: 1", "ED: 0"))
    assert "ED is 0, not a frame from 1 to 9" in refusal(new_root)


def test_links_that_leave_the_folder(new_root, tmp_path):
    write_patient(tmp_path / "patient0007", NEW_CFG)
    os.symlink(tmp_path / "patient0007", new_root / "database_nifti" / "patient0007")
    mask = new_root / "database_nifti" / "patient0001" / "patient0001_4CH_ED_gt.nii.gz"
    mask.unlink()
    os.symlink(tmp_path / "patient0007" / "patient0007_4CH_ED_gt.nii.gz", mask)
    text = refusal(new_root)
    assert "patient0007 is a link" in text and "patient0001_4CH_ED_gt.nii.gz is a link" in text


def test_folder_without_patients(tmp_path):
    assert "holds no patient folder" in refusal(tmp_path)


def test_real_patients(camus_folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = CAMUS(camus_folder)
    assert len(dataset.patients) == 499
    assert dataset.patients["split"].value_counts().to_dict() == {"train": 399, "val": 50, "test": 50}
    assert dataset.patients["quality"].value_counts().to_dict() == {"Good": 216, "Medium": 214, "Poor": 69}
    assert dataset.patients["ef_percent"].mean() == pytest.approx(44.2, abs=0.05)
    first = dataset.images.iloc[0]
    pixels, spacing = read_image(first.path)
    assert pixels.shape == (1, 389, 549) and spacing == pytest.approx((0.308, 0.308))
    assert set(np.unique(read_mask(first.mask_path)[0])) == {0, 1, 2, 3}


def test_real_patients_of_the_old_release(camus_folder):
    dataset = CAMUS(camus_folder / "biplane_1_5")
    ef = dataset.images.drop_duplicates("patient").set_index("patient")["lv_ef_percent"]
    assert ef.tolist() == [63.2, 49.4, 55.4, 62.1, 53.4]
    pixels, spacing = read_image(dataset.images.iloc[0].path)
    assert pixels.shape == (1, 778, 549) and spacing == pytest.approx((0.154, 0.308))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("EF: 54", "EF: 54\nEF: 45", "Info_4CH.cfg row 8: EF is 45, and 54 before"),
        ("Sex: F", "Sex: X", "Info_4CH.cfg: Sex is X, not F or M"),
        ("Quality: Good", "Quality: Superb", "Info_4CH.cfg: ImageQuality is Superb, not Good or Medium or Poor"),
        ("EF: 54", "EF: 54\nLVedv: 40\nLVesv: 90", "LVedv is 40, not above LVesv of 90 mL: are they swapped?"),
        ("Sex: F", "Sex: \xff", "Info_4CH.cfg is no UTF-8 text"),
        ("Sex: F", "Sex: \0", "Info_4CH.cfg is no text"),
    ],
)
def test_a_cfg_that_cannot_be(new_root, old, new, match):
    path = new_root / "database_nifti" / "patient0001" / "Info_4CH.cfg"
    path.write_bytes(NEW_CFG.replace(old, new).encode("latin-1"))
    text = refusal(new_root)
    assert match in text and "1 fault" in text


def test_a_repeated_line_of_a_cfg_is_no_contradiction(new_root):
    path = new_root / "database_nifti" / "patient0001" / "Info_4CH.cfg"
    path.write_text(NEW_CFG + "EF: 54\n")
    assert len(CAMUS(new_root).patients) == 3


@pytest.mark.parametrize("content", [b"patient0003\xff\n", b"patient\0\n"])
def test_a_list_that_is_no_text(new_root, content):
    (new_root / "database_split" / "subgroup_testing.txt").write_bytes(content)
    assert "subgroup_testing.txt is no " in refusal(new_root)


def test_ef_as_fractions(new_root):
    for path in new_root.glob("database_nifti/*/Info_*.cfg"):
        path.write_text(NEW_CFG.replace("EF: 54", "EF: 0.54"))
    assert "EF in Info_*.cfg: no EF is above 1, the largest is 0.54" in refusal(new_root)


def test_a_mask_of_one_phase_alone(new_root):
    (new_root / "database_nifti" / "patient0002" / "patient0002_2CH_ES_gt.nii.gz").unlink()
    text = refusal(new_root)
    assert "patient0002: one of its 2CH images of ED and ES has a mask, the other none" in text and "1 fault" in text


def test_one_image_in_two_splits(new_root):
    folder = new_root / "database_nifti"
    copied = folder / "patient0003" / "patient0003_4CH_ED.nii.gz"
    copied.write_bytes((folder / "patient0001" / "patient0001_4CH_ED.nii.gz").read_bytes())
    text = refusal(new_root)
    assert "patient0003_4CH_ED.nii.gz (test) and patient0001_4CH_ED.nii.gz (train) are one file" in text


def test_raw_voxels_in_two_splits(old_root):
    train, test = (old_root / name / "patient0001" for name in ("training", "testing"))
    (test / "patient0001_4CH_ED.raw").write_bytes((train / "patient0001_4CH_ED.raw").read_bytes())
    assert "patient0001_4CH_ED.raw (train) are one file" in refusal(old_root)


def test_real_ed_is_the_larger_frame_of_every_patient(camus_folder):
    """Some sequences run from ES to ED; of the single images the names are right throughout."""
    images = CAMUS(camus_folder).images.query("mask_path != ''")
    area = images.assign(area=[(read_mask(path)[0] == 1).sum() for path in images["mask_path"]])
    area = area.pivot(index="patient", columns="phase", values="area")
    assert len(area) >= 499 and (area["ED"] > area["ES"]).all()
