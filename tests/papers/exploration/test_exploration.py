"""What the notebook on the data shows: populations and their examples, and the phantom measured beside real frames."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from echolib.data.readers.camus import CAMUS
from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.data.readers.echonet_lvh import EchoNetLVH
from echolib.folders import DataFolders
from echolib.papers.exploration import examples, four_chamber, populations, tables
from echolib.papers.registry import make_setup
from tests.studies import notebook_setup


@pytest.fixture
def setup(phantom):
    return notebook_setup("00_data_exploration", phantom)


def test_classes_and_their_shares():
    table = populations.class_table(np.array([10.0, 39.9, 40.0, 49.9, 50.0, 80.0, 90.0, 55.0])).set_index("class")
    assert table["n"].to_dict() == {"HFrEF": 2, "HFmrEF": 2, "HFpEF": 4}
    assert table["share"].tolist() == [25, 25, 50]
    assert table["share_published"].sum() == pytest.approx(100)


def test_a_population_beside_the_published_one():
    videos = pd.DataFrame({"ef_percent": [50.0, 60.0], "edv_ml": [100.0, 140.0], "esv_ml": [50.0, 56.0]})
    table = populations.population_table(videos).set_index("quantity")
    assert table["mean"].to_dict() == {"ef_percent": 55, "esv_ml": 53, "edv_ml": 120}
    assert table.loc["edv_ml", "sd"] == pytest.approx(np.sqrt(800))
    assert table.loc["ef_percent", ["mean_published", "sd_published"]].tolist() == [55.7, 12.5]


def test_walls_beside_the_published_ones():
    lengths = [("IVS", "ED", 1.0), ("IVS", "ED", 1.2), ("IVS", "ES", 1.4), ("LVID", "ES", 3.0)]
    table = populations.wall_table(pd.DataFrame(lengths, columns=["measure", "phase", "length_cm"]))
    assert table["n"].tolist() == [2, 1, 1] and table["mean"].tolist() == pytest.approx([1.1, 1.4, 3.0])
    assert table["mean_published"].tolist() == pytest.approx([1.07, np.nan, 3.10], nan_ok=True)


def test_tables_cover_the_phantom(setup):
    assert tables.HEART_FAILURE_CLASSES.make({}, setup)["n"].sum() == 24
    videos = EchoNetDynamic(setup.folder("echonet_dynamic")).videos
    population = tables.POPULATION.make({}, setup).set_index("quantity")
    assert population.loc["ef_percent", "mean"] == pytest.approx(videos["ef_percent"].mean())
    walls = EchoNetLVH(setup.folder("echonet_lvh")).measurements
    assert tables.WALL_MEASURES.make({}, setup)["n"].sum() == len(walls)


def test_frames_are_measured_once_for_table_and_figure(setup, monkeypatch):
    folders = []

    def measure(folder, patients):
        folders.append(folder)
        return four_chamber.measure_four_chamber(folder, patients)

    monkeypatch.setattr(tables, "measure_four_chamber", measure)
    table = tables.PHANTOM_AND_REAL.make({}, setup).set_index(["quantity", "phase"])
    figure = tables.WIDTH_PROFILE.draw({}, setup)
    assert folders == [setup.folder("camus")]
    area = table.loc["cavity area (cm2)"]
    assert area.loc["ED", "phantom"] > area.loc["ES", "phantom"] > 5
    assert area["real CAMUS"].tolist() == [29.7, 19.5]
    assert [line.get_label() for line in figure.axes[0].lines] == ["phantom", "CAMUS, 499 patients"]
    assert "over 4 patients" in tables.PHANTOM_AND_REAL.caption_for(setup)


@pytest.mark.parametrize(("written", "labels"), [(True, ["phantom", "CAMUS"]), (False, ["CAMUS"])])
def test_a_folder_of_one_s_own_stands_beside_the_phantom_that_was_written(phantom, tmp_path, written, labels):
    folders = DataFolders({"camus": tmp_path}, phantom if written else Path("/nowhere"))
    setup = make_setup({"profile": "smoke"}, folders)
    assert list(tables.camus_folders(setup)) == labels
    assert tables.camus_folders(setup)["CAMUS"] == tmp_path


def test_examples_of_traced_frames_are_the_closest_videos(setup):
    reader = EchoNetDynamic(setup.folder("echonet_dynamic"))
    test = reader.videos[reader.videos["split"] == "test"]
    frames, tracings, titles = examples.traced_examples(reader, (0, 100, 50, 50, 50, 50))
    shown = min(6, len(test))  # each video once, though four are asked for at the same EF
    assert len(frames) == len(tracings) == len(titles) == 2 * shown
    assert titles[:2] == [f"{phase}, EF {test['ef_percent'].min():.0f} %" for phase in ("ED", "ES")]
    assert titles[3] == f"ES, EF {test['ef_percent'].max():.0f} %"
    assert tracings[0].shape == (21, 4) and frames[0].shape == (112, 112)


def test_examples_of_masks_and_keypoints(setup):
    images, masks, titles = examples.masked_examples(CAMUS(setup.folder("camus")), 1)
    assert [title.split(", ")[1] for title in titles] == ["ED", "ES"]
    for image, structures in zip(images, masks, strict=True):
        assert structures["LV"].shape == image.shape
        assert not (structures["LV"] & ~structures["epicardium"]).any()  # the cavity lies within
        assert not (structures["atrium"] & structures["epicardium"]).any()
    frames, points, titles = examples.keypoint_examples(EchoNetLVH(setup.folder("echonet_lvh")), 1)
    assert points[0].shape == (4, 2) and frames[0].ndim == 2 and "cm per px" in titles[0]
    assert (points[0] >= 0).all() and (points[0] < frames[0].shape[::-1]).all()
