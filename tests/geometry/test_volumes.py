"""Axes, discs, volumes and EF against closed forms and against patients of CAMUS."""

import numpy as np
import pytest

from echolib.geometry import (
    Discs,
    camus_ef,
    disc_volume_ml,
    ejection_fraction,
    mask_area_cm2,
    mask_area_px,
    mask_discs,
    mask_long_axis,
    tracing_discs,
)

SHAPES = {  # half-width at a depth from apex (0) to base (1), as a share of the base's half-width; volume / (pi a2 L)
    "cylinder": (lambda depth: np.ones_like(depth), 1.0),
    "cone": (lambda depth: depth, 1 / 3),
    "half-ellipsoid": (lambda depth: np.sqrt(np.clip(1 - (1 - depth) ** 2, 0, None)), 2 / 3),
}


def draw(shape, length, width, tilt=0.0, spacing=(0.3, 0.3), size=(400, 400), apex=(60.0, 20.0)):
    """A solid of revolution's long section and an atrium below it; lengths in mm, tilt in degrees."""
    rows, columns = np.indices(size)
    x, y = columns * spacing[1] - apex[0], rows * spacing[0] - apex[1]
    angle = np.radians(tilt)
    depth = (x * np.sin(angle) + y * np.cos(angle)) / length
    aside = np.abs(x * np.cos(angle) - y * np.sin(angle))
    half = SHAPES[shape][0](np.clip(depth, 0, 1)) * width / 2
    ventricle = (depth >= 0) & (depth <= 1) & (aside <= half)
    atrium = (depth > 1) & (depth < 1.4) & (aside <= width / 2)
    return ventricle, atrium


@pytest.mark.parametrize("tilt", [0, 12, -20])
@pytest.mark.parametrize("with_atrium", [True, False])
def test_half_ellipsoid_axis_discs_and_volume(tilt, with_atrium):
    spacing = (0.3, 0.2)
    mask, atrium = draw("half-ellipsoid", 80, 46, tilt, spacing, size=(420, 600))
    atrium = atrium if with_atrium else None
    axis = mask_long_axis(mask, spacing, atrium)
    assert axis.length_mm == pytest.approx(80, abs=1)
    assert axis.tilt_deg == pytest.approx(tilt, abs=1.5)
    np.testing.assert_allclose(axis.apex * [0.2, 0.3], [60, 20], atol=2)
    assert axis.annulus[0, 0] < axis.base[0] < axis.annulus[1, 0]
    assert np.linalg.norm((axis.annulus[1] - axis.annulus[0]) * [0.2, 0.3]) == pytest.approx(46, abs=2)
    discs = mask_discs(mask, spacing, atrium)
    depth = (np.arange(20) + 0.5) / 20
    np.testing.assert_allclose(discs.diameters_mm, 46 * SHAPES["half-ellipsoid"][0](depth), atol=1.5)
    assert disc_volume_ml(discs) == pytest.approx(2 / 3 * np.pi * 2.3**2 * 8, rel=0.02)


@pytest.mark.parametrize("shape", ["cylinder", "cone"])
def test_volume_of_other_solids(shape):
    mask, atrium = draw(shape, 75, 30)
    half_diagonal = np.hypot(75, 15) if shape == "cylinder" else 75  # a cylinder's farthest point is a corner
    discs = mask_discs(mask, (0.3, 0.3), atrium)
    assert discs.length_mm == pytest.approx(half_diagonal, abs=0.7)
    if shape == "cone":
        assert disc_volume_ml(discs) == pytest.approx(np.pi * 1.5**2 * 7.5 / 3, rel=0.02)


def test_twenty_discs_of_known_diameters():
    discs = Discs(np.full(20, 40.0), np.float64(90.0))
    assert disc_volume_ml(discs) == pytest.approx(np.pi * 2**2 * 9)
    other = Discs(np.full(20, 30.0), np.float64(80.0))
    assert disc_volume_ml(discs, other) == pytest.approx(np.pi / 4 * 4 * 3 * 9)  # the longer axis counts
    assert disc_volume_ml(other, discs) == disc_volume_ml(discs, other)
    batch = Discs(np.stack([discs.diameters_mm, other.diameters_mm]), np.array([90.0, 80.0]))
    np.testing.assert_allclose(disc_volume_ml(batch), [disc_volume_ml(discs), disc_volume_ml(other)])


def test_mirror_scale_and_specks():
    mask, _ = draw("half-ellipsoid", 60, 30, tilt=10, size=(300, 300), apex=(40.0, 15.0))
    discs, axis = mask_discs(mask), mask_long_axis(mask)
    mirrored, mirrored_axis = mask_discs(mask[:, ::-1]), mask_long_axis(mask[:, ::-1])
    np.testing.assert_allclose(mirrored.diameters_mm, discs.diameters_mm, rtol=0.02)
    assert mirrored_axis.tilt_deg == pytest.approx(-axis.tilt_deg, abs=0.5)
    doubled = mask_discs(mask, (2.0, 2.0))
    assert disc_volume_ml(doubled) == pytest.approx(8 * disc_volume_ml(discs))
    flawed = mask.copy()
    flawed[280:290, 5:15] = True  # a false island
    rows, columns = np.argwhere(mask).mean(axis=0).astype(int)
    flawed[rows, columns] = False  # and a hole
    np.testing.assert_array_equal(mask_discs(flawed).diameters_mm, discs.diameters_mm)


def test_axis_does_not_depend_on_the_place_in_the_image():
    mask, atrium = draw("half-ellipsoid", 60, 30, size=(300, 300), apex=(40.0, 15.0))
    here, there = (
        mask_long_axis(np.roll(m, (7, 11), (0, 1)), (0.3, 0.3), np.roll(a, (7, 11), (0, 1)))
        for m, a in [(mask, atrium), (np.roll(mask, (-7, -11), (0, 1)), np.roll(atrium, (-7, -11), (0, 1)))]
    )
    np.testing.assert_allclose(here.apex - there.apex, [11, 7])
    np.testing.assert_allclose(here.base - there.base, [11, 7])
    assert here.length_mm == pytest.approx(there.length_mm)


def test_an_atrium_that_does_not_touch_changes_nothing():
    mask, atrium = draw("half-ellipsoid", 60, 30, size=(400, 300), apex=(40.0, 15.0))
    apart = np.roll(atrium, 20, axis=0)
    assert mask_long_axis(mask, (0.3, 0.3), apart).length_mm == mask_long_axis(mask, (0.3, 0.3)).length_mm


def test_empty_and_tiny_masks():
    nothing = np.zeros((20, 20), dtype=bool)
    assert np.isnan(disc_volume_ml(mask_discs(nothing))) and np.isnan(mask_long_axis(nothing).apex).all()
    dot = np.zeros((20, 20), dtype=bool)
    dot[10, 10] = True
    assert 0 <= disc_volume_ml(mask_discs(dot, (1.0, 1.0))) < 0.01


def test_tracing_discs_of_a_half_ellipsoid():
    depth = (np.arange(20) + 0.5) / 20
    half = 15 * SHAPES["half-ellipsoid"][0](depth)
    chords = np.stack([50 - half, 10 + 60 * depth, 50 + half, 10 + 60 * depth], axis=1)
    tracing = np.concatenate([[[50, 10, 50, 70]], chords])
    volume = disc_volume_ml(tracing_discs(tracing, 0.1))
    assert volume == pytest.approx(2 / 3 * np.pi * 1.5**2 * 6, rel=1e-3)  # mid-point rule: sum of the odd squares
    both = disc_volume_ml(tracing_discs(np.stack([tracing, tracing]), np.array([0.1, 0.2])))
    np.testing.assert_allclose(both, [volume, 8 * volume])


def test_ejection_fraction():
    np.testing.assert_allclose(ejection_fraction(np.array([100, 80]), np.array([40, 80])), [60, 0])
    assert ejection_fraction(94.0, 34.6) == pytest.approx(63.19, abs=0.01)
    assert np.isnan(ejection_fraction(0.0, 0.0))


def test_areas_of_a_batch():
    masks = np.zeros((2, 3, 10, 10), dtype=bool)
    masks[1, 2, :4, :5] = True
    assert mask_area_px(masks).shape == (2, 3) and mask_area_px(masks)[1, 2] == 20
    assert mask_area_cm2(masks, (2.0, 5.0))[1, 2] == pytest.approx(2.0)


@pytest.mark.parametrize(("true_ef", "rule_ef"), [(58.9, 51.4), (27.1, 24.2), (63.3, 54.3)])
def test_camus_rule_on_half_ellipsoids(true_ef, rule_ef):
    """The rule ignores the shortening of the axis: its EF is that of the squared diameters alone."""
    shortening = (1 - true_ef / 100) / (1 - rule_ef / 100)  # length at ES over length at ED
    width = 46 * np.sqrt(1 - rule_ef / 100)
    ed, es = (
        mask_discs(m, (0.3, 0.3), a)
        for m, a in [draw("half-ellipsoid", 85, 46), draw("half-ellipsoid", 85 * shortening, width)]
    )
    assert ejection_fraction(disc_volume_ml(ed), disc_volume_ml(es)) == pytest.approx(true_ef, abs=1)
    by_rule = camus_ef((ed, ed), (es, es))
    assert by_rule.ef_percent == pytest.approx(rule_ef, abs=1)
    assert by_rule.edv_ml == round(by_rule.edv_ml) and by_rule.esv_ml == round(by_rule.esv_ml)
    assert by_rule == camus_ef((ed,), (es,))


def test_camus_rule_written_out():
    ed = (Discs(np.full(20, 40.0), np.float64(90.0)), Discs(np.full(20, 45.0), np.float64(85.0)))
    es = (Discs(np.full(20, 30.0), np.float64(70.0)), Discs(np.full(20, 33.0), np.float64(75.0)))
    edv, esv = round(np.pi / 4 * 4.0 * 4.5 * 9), round(np.pi / 4 * 3.0 * 3.3 * 9)
    assert camus_ef(ed, es) == (100 * (edv - esv) / edv, edv, esv)
    with pytest.raises(ValueError, match="one or two views"):
        camus_ef(ed, es[:1])


def camus_mask(folder, patient, view, phase):
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.ReadImage(str(folder / f"{patient}_{view}_{phase}_gt.nii.gz"))
    labels, spacing = np.squeeze(sitk.GetArrayFromImage(image)), image.GetSpacing()
    return labels == 1, (spacing[1], spacing[0]), labels == 3


def test_biplane_volumes_of_camus_patients(camus_folder):
    """Five patients of the first release: its LVef within a point by discs, the second release's EF by its own rule."""
    published = {  # LVedv, LVesv, LVef of the first release; EF of the second
        "patient0001": (94.0, 34.6, 63.2, 54),
        "patient0002": (119.1, 60.3, 49.4, 40),
        "patient0003": (105.7, 47.1, 55.4, 51),
        "patient0004": (97.9, 37.1, 62.1, 56),
        "patient0005": (70.5, 32.8, 53.4, 48),
    }
    folder = camus_folder / "biplane_1_5"
    if not folder.is_dir():
        pytest.skip("the five biplane patients of CAMUS's first release are not here")
    for patient, (lv_edv, lv_esv, lv_ef, ef) in published.items():
        discs = {
            (view, phase): mask_discs(*camus_mask(folder / patient, patient, view, phase))
            for view in ("2CH", "4CH")
            for phase in ("ED", "ES")
        }
        edv, esv = (disc_volume_ml(discs["2CH", phase], discs["4CH", phase]) for phase in ("ED", "ES"))
        assert edv == pytest.approx(lv_edv, abs=1), patient
        assert esv == pytest.approx(lv_esv, abs=1), patient
        assert ejection_fraction(edv, esv) == pytest.approx(lv_ef, abs=0.7), patient
        by_rule = camus_ef(*((discs["2CH", phase], discs["4CH", phase]) for phase in ("ED", "ES")))
        assert by_rule.ef_percent == pytest.approx(ef, abs=1.5), patient
