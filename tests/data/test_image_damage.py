"""NIfTI and MHD files that are damaged, lie about themselves or lead elsewhere: refused by name, at once."""

import gzip
import os
import random
import struct
import time
import tracemalloc
import zlib

import nibabel
import numpy as np
import pytest
import SimpleITK

from echolib.data import DataError, read_image, read_mask


def grey(*shape):
    return np.random.default_rng(0).integers(0, 256, shape or (12, 10)).astype("uint8")


def nifti(path, values=None, spacing=(0.3, 0.3), units="mm", **fields):
    """A NIfTI file of (rows, columns) or (frames, rows, columns); `fields` are set in its header as they are."""
    values = grey() if values is None else values
    image = nibabel.Nifti1Image(values.T, np.eye(4), dtype=values.dtype)
    image.header.set_zooms((*spacing, 1.0)[: values.ndim])
    image.header.set_xyzt_units(units)
    nibabel.save(image, path)
    content = bytearray((gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes()))
    for place, form, numbers in fields.values():
        struct.pack_into(form, content, place, *numbers)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def mhd(path, values=None, compressed=False, **keys):
    """An MHD file and its voxels; `keys` are changed in its header, or left out where None."""
    image = SimpleITK.GetImageFromArray(grey() if values is None else values)
    image.SetSpacing([0.3] * image.GetDimension())
    SimpleITK.WriteImage(image, str(path), useCompression=compressed)
    lines = path.read_text().splitlines()
    for key, value in keys.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
        lines = [line for line in lines if value is not None or not line.startswith(f"{key} =")]
    path.write_text("\n".join(lines) + "\n")
    return path


def refused(path, match, read=read_image):
    with pytest.raises(DataError, match=match) as caught:
        read(path)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mhd", ".mha"])
@pytest.mark.parametrize("shape", [(12, 10), (5, 12, 10)])
def test_every_kind_of_number_reads_as_by_simpleitk(tmp_path, kind, suffix, shape):
    path = tmp_path / f"image{suffix}"
    image = SimpleITK.GetImageFromArray(grey(*shape).astype(kind))
    image.SetSpacing((0.25, 0.5, 1.0)[: len(shape)])
    SimpleITK.WriteImage(image, str(path))
    pixels, spacing = read_image(path)
    np.testing.assert_array_equal(pixels, SimpleITK.GetArrayFromImage(image).reshape(-1, 12, 10))
    assert spacing == pytest.approx((0.5, 0.25))


def test_big_endian_scaled_and_packed_voxels(tmp_path):
    expected = grey()
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    image = nibabel.Nifti1Image(expected.astype(">i2").T, np.diag([0.3, 0.3, 1, 1]), header)
    nibabel.save(image, tmp_path / "big.nii")
    np.testing.assert_array_equal(read_image(tmp_path / "big.nii")[0][0], expected)
    half = nifti(tmp_path / "half.nii", (expected // 2).astype("int16"), slope=(112, "<2f", (2.0, 1.0)))
    np.testing.assert_array_equal(read_image(half)[0][0], expected // 2 * 2 + 1)
    np.testing.assert_array_equal(read_image(mhd(tmp_path / "packed.mhd", expected, compressed=True))[0][0], expected)


@pytest.mark.parametrize("gib", [1, 8])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mhd"])
def test_a_header_that_claims_gigabytes(tmp_path, gib, suffix):
    path, sizes = tmp_path / f"image{suffix}", (32767, 32767, gib)
    if suffix == ".mhd":
        mhd(path, grey(1, 12, 10), DimSize=" ".join(map(str, sizes)))
    else:
        nifti(path, grey(1, 12, 10), dim=(40, "<4h", (3, *sizes)))
    tracemalloc.start()
    try:
        start = time.perf_counter()
        refused(path, "header claims" if gib == 8 else "cut short")
        assert time.perf_counter() - start < 0.5 and tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".nii.gz", ".mhd"])
def test_a_bomb_is_unpacked_no_further_than_its_header_says(tmp_path, suffix):
    path, bomb = tmp_path / f"image{suffix}", bytes(300 << 20)
    if suffix == ".mhd":
        mhd(path, compressed=True)
        (tmp_path / "image.zraw").write_bytes(zlib.compress(bomb))
    else:
        content = gzip.decompress(nifti(path).read_bytes())
        path.write_bytes(gzip.compress(content + bomb, 1))
    tracemalloc.start()
    try:
        refused(path if suffix != ".mhd" else tmp_path / "image.zraw", "goes on after", lambda _: read_image(path))
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_file_holds_its_voxels_and_nothing_else(tmp_path, suffix):
    path = nifti(tmp_path / f"image{suffix}")
    content = path.read_bytes()
    path.write_bytes(content + b"x")
    refused(path, "goes on after")
    path.write_bytes(content[:-1])
    refused(path, "cut short")
    if suffix == ".nii.gz":
        broken = bytearray(content)
        broken[-6] ^= 1  # in the checksum
        path.write_bytes(broken)
        refused(path, "damaged or cut short")
        path.write_bytes(content + content)
        refused(path, "goes on after its end")


@pytest.mark.parametrize("tail", [b"x", b""])
def test_raw_voxels_fill_their_file(tmp_path, tail):
    path = mhd(tmp_path / "image.mhd")
    raw = tmp_path / "image.raw"
    raw.write_bytes(raw.read_bytes() + tail if tail else raw.read_bytes()[:-1])
    refused(path, "goes on after" if tail else "cut short")


@pytest.mark.parametrize("change", [lambda raw: raw + b"x", lambda raw: raw[:-2]])
def test_packed_voxels_fill_their_file(tmp_path, change):
    path, packed = mhd(tmp_path / "image.mhd", compressed=True), tmp_path / "image.zraw"
    packed.write_bytes(change(packed.read_bytes()))
    refused(packed, "does not end with its voxels", lambda _: read_image(path))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("/etc/hostname", "no plain name"), ("../secret.raw", "no plain name"), ("inner/secret.raw", "no plain name"),
        ("..", "no plain name"), ("LIST", "no plain name"), ("image%02d.raw 1 3 1", "no plain name"), ("", "no plain"),
        ("link.raw", "a link that leads out"), ("none.raw", "is missing"), ("inner", "is missing"),
    ],
)  # fmt: skip
def test_voxels_lie_beside_their_header(tmp_path, name, match):
    folder = tmp_path / "patient0001"
    (folder / "inner").mkdir(parents=True)
    for secret in (tmp_path / "secret.raw", folder / "inner" / "secret.raw"):
        secret.write_bytes(bytes(120))
    os.symlink(tmp_path / "secret.raw", folder / "link.raw")
    refused(mhd(folder / "image.mhd", ElementDataFile=name), match)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([np.nan, 1], "NaN or infinite"), ([np.inf, 1], "NaN or infinite"), ([0.25, 1], "scale them to 0 to 255"),
        ([0.9, 1.8], "whole numbers"), ([2.5, 200], r"holds 2.5"), ([-1, 3], "from -1"), ([256, 3], "to 256"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [nifti, mhd])
def test_values_that_are_no_levels(tmp_path, values, match, write):
    suffix = ".nii.gz" if write is nifti else ".mhd"
    path = write(tmp_path / f"image{suffix}", np.resize(np.array(values, "float32"), (12, 10)))
    refused(path, match, read_mask)


@pytest.mark.parametrize("spacing", [(0.0, 0.3), (0.3, -0.3), (np.nan, 0.3), (1e9, 0.3), (0.3, 0.001), (np.inf, 1)])
def test_spacing_that_no_scanner_has(tmp_path, spacing):
    path = nifti(tmp_path / "image.nii.gz", zooms=(80, "<2f", spacing))
    refused(path, f"its pixel is {spacing[1]:g} x {spacing[0]:g} mm".replace("+", r"\+"))
    refused(mhd(tmp_path / "image.mhd", ElementSpacing=f"{spacing[0]} {spacing[1]}"), "correct the spacing")


def test_no_spacing_is_not_one_millimetre(tmp_path):
    refused(mhd(tmp_path / "image.mhd", ElementSpacing=None), "its pixel is nan x nan mm")
    refused(mhd(tmp_path / "image.mhd", ElementSpacing="0.3 wide"), "ElementSpacing is '0.3 wide'")


@pytest.mark.parametrize("units", ["meter", "micron"])
def test_spacing_in_another_unit(tmp_path, units):
    refused(nifti(tmp_path / "image.nii.gz", units=units), "another unit than mm")
    assert read_image(nifti(tmp_path / "image.nii.gz", units="unknown"))[1] == pytest.approx((0.3, 0.3))


@pytest.mark.parametrize(
    ("field", "match"),
    [
        ((40, "<h", (0,)), "0 axes"), ((40, "<h", (9,)), "9 axes"), ((42, "<h", (-4,)), "voxels"),
        ((108, "<f", (0,)), "voxels from byte 0"), ((108, "<f", (1e9,)), "voxels from"), ((70, "<h", (128,)), "128"),
        ((344, "<i", (0,)), "no NIfTI-1"), ((112, "<f", (np.nan,)), "NaN"), ((108, "<f", (np.nan,)), "from byte nan"),
    ],
)  # fmt: skip
def test_headers_that_make_no_sense(tmp_path, field, match):
    refused(nifti(tmp_path / "image.nii", field=field), match)


@pytest.mark.parametrize(
    "keys",
    [
        {"DimSize": "10 -12"}, {"DimSize": "10"}, {"DimSize": "10 12.5"}, {"DimSize": None}, {"NDims": None},
        {"ElementType": "MET_STRING"}, {"ElementType": None}, {"BinaryData": "False"}, {"ElementDataFile": None},
        {"DimSize": "10 inf"}, {"CompressedData": "True"},
    ],
)  # fmt: skip
def test_metaimage_headers_that_make_no_sense(tmp_path, keys):
    path = mhd(tmp_path / "image.mhd", **keys)
    with pytest.raises(DataError, match=r"image\.(mhd|raw)"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mhd"])
def test_random_damage_is_an_error_of_ours(tmp_path, suffix):
    path = tmp_path / f"image{suffix}"
    (mhd if suffix == ".mhd" else nifti)(path)
    content, good, draw, silent = path.read_bytes(), read_image(path)[0], random.Random(3), 0
    for _ in range(150):
        changed, at = bytearray(content), draw.randrange(min(len(content), 352))
        changed[at] = draw.randrange(256)
        path.write_bytes(changed[: draw.choice([len(content)] * 3 + [at])])
        try:
            pixels = read_image(path)[0]
        except DataError as error:
            assert "image." in str(error)
        else:
            silent += not np.array_equal(pixels, good)
    assert silent < 15  # headers: a sign of a type, an offset by a byte; of compressed ones none


def test_names_that_cannot_be_opened(tmp_path):
    (tmp_path / "x.nii.gz").mkdir()
    for path in (tmp_path / "x.nii.gz", tmp_path / "none.mhd", tmp_path / ("x" * 5000 + ".nii")):
        with pytest.raises(DataError, match="cannot be read"):
            read_image(path)
