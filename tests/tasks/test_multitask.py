"""Multi-task learning on a small phantom: which labels count, how batches are composed, what the tables say."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from echolib.data import DataError
from echolib.data.letterbox import letterbox
from echolib.data.loaders.keypoints import PointedImages
from echolib.engine import execution
from echolib.engine.experiment import RunContext
from echolib.folders import DataFolders
from echolib.geometry import wall_measures
from echolib.geometry.heatmaps import heatmaps
from echolib.losses.partial_labels import map_loss, mask_loss
from echolib.metrics.per_item import EF, MASKS, MEASURES, POINTS
from echolib.papers.exhibits import Setup
from echolib.papers.multitask.experiments import ROWS, experiment, lvh_selection
from echolib.papers.profiles import PROFILES

SMOKE = PROFILES["smoke"]
CPU = torch.device("cpu")
TRAINED = [ROWS[0], ROWS[1], ROWS[3], ROWS[5]]


@pytest.fixture(scope="module")
def context(tmp_path_factory, phantom_cache) -> RunContext:
    return RunContext(tmp_path_factory.mktemp("runs"), phantom_cache, CPU)


@pytest.fixture(scope="module")
def setup(phantom):
    return Setup(SMOKE, DataFolders({}, phantom))


def load(setup, row, context):
    described = experiment(setup, row, 0)
    datasets = {selection.dataset: selection.open(context.cache) for selection in described.data}
    return described.task, described.task.load(datasets, {}, CPU)


@pytest.fixture(scope="module")
def joint(setup, context):
    return load(setup, ROWS[0], context)


def rows_of(found, split="train", count=4):
    return found.of_split[split][:count]


class Outputs(torch.nn.Module):
    """Stands for a network: logits and maps that are parameters."""

    def __init__(self, task, count):
        super().__init__()
        size, generator = task.size, torch.Generator().manual_seed(0)
        self.masks = torch.nn.Parameter(torch.randn(count, 3, size, size, generator=generator))
        self.maps = torch.nn.Parameter(torch.rand(count, len(task.points), size // 4, size // 4, generator=generator))

    def forward(self, images):
        return self.masks, self.maps


def test_a_batch_of_each_dataset_uses_its_labels_alone(joint):
    task, data = joint
    learnt = {"camus": ([0, 1, 2], []), "echonet_dynamic": ([0], []), "echonet_lvh": ([], [0, 1, 2, 3])}
    for found in data:
        batch = found.augmented(rows_of(found), 3, torch.Generator().manual_seed(0))
        outputs = Outputs(task, len(batch.images))
        loss = task.loss(outputs, batch)
        loss.backward()
        assert bool(torch.isfinite(loss)) and bool(loss > 0)
        reached = [
            [k for k in range(each.shape[1]) if bool((each.grad[:, k] != 0).any())]
            for each in (outputs.masks, outputs.maps)
        ]
        assert tuple(reached) == learnt[found.name]
        with torch.no_grad():
            for k in set(range(3)) - set(reached[0]):
                outputs.masks[:, k] += 7
            if not reached[1]:
                outputs.maps *= 7
        assert torch.equal(task.loss(outputs, batch), loss)


def test_losses_against_written_out_ones(joint):
    task, data = joint
    parts = [found.augmented(rows_of(found, count=2), 3, torch.Generator().manual_seed(1)) for found in data]
    batch = type(parts[0])(*(torch.cat(each) for each in zip(*parts, strict=True)))
    outputs = Outputs(task, len(batch.images))
    overlaps, entropies, divergences = [], [], []
    for n, k in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (3, 0)]:
        p, t = outputs.masks[n, k].sigmoid(), batch.targets[n, k].float()
        overlaps.append(1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))
        entropies.append(-(t * p.log() + (1 - t) * (1 - p).log()).mean())
    for n in (4, 5):
        for k in range(4):
            x, y = batch.points[n, k].tolist()
            cells = torch.arange(task.size // 4) * 4 + 1.5  # their centres in pixels
            distance = (cells - x)[None, :] ** 2 + (cells - y)[:, None] ** 2
            wanted = torch.exp(-distance / (2 * 6.0**2))
            wanted, predicted = wanted / wanted.sum(), outputs.maps[n, k].exp() / outputs.maps[n, k].exp().sum()
            divergences.append((wanted * (wanted / predicted).log()).sum())
    expected = sum(overlaps) / 8 + sum(entropies) / 8 + 0.5 * sum(divergences) / 8
    torch.testing.assert_close(task.model_copy(update={"keypoint_weight": 0.5}).loss(outputs, batch), expected)


def test_a_map_is_a_distribution_round_its_point():
    """Nothing is lost where it is the target's, whatever is added to it; a flat one loses log(cells) - entropy."""
    targets = heatmaps(torch.tensor([[[12.3, 9.8], [torch.nan, 0.0]]]), 24, 32, 1.5)
    assert map_loss(targets.clamp(min=1e-30).log() + 5.0, targets) == pytest.approx(0, abs=1e-5)
    flat = math.log(24 * 32) - math.log(2 * math.pi * 1.5**2) - 1  # entropy of a Gaussian in nats
    assert map_loss(torch.zeros_like(targets), targets) == pytest.approx(flat, abs=1e-3)


def test_nothing_labelled_costs_nothing():
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    none = torch.zeros(2, 3, dtype=torch.bool)
    loss = mask_loss(logits, torch.ones(2, 3, 8, 8, dtype=torch.bool), none) + map_loss(logits, torch.zeros(2, 3, 8, 8))
    loss.backward()
    assert bool(loss == 0) and float(logits.grad.abs().max()) == 0


def test_the_datasets_alternate(joint):
    """Of four images in turn two carry masks and two keypoints; whole passes through each dataset."""
    task, data = joint
    sizes = [len(found.of_split["train"]) for found in data]
    edges = np.cumsum([0, *sizes])
    task = task.model_copy(update={"labels_per_epoch": 32})
    batches = list(task.epoch(data, 8, torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in batches] == [8] * 8
    which = [np.searchsorted(edges, batch.numpy(), side="right") - 1 for batch in batches]
    assert [numbers.tolist() for numbers in which] == [[0, 2, 1, 2] * 2] * 8
    seen = torch.bincount(torch.cat(batches), minlength=int(edges[-1]))
    for first, size, labels in zip(edges, sizes, (16, 16, 32), strict=False):
        counts = seen[first : first + size]
        assert int(counts.sum()) == labels and int(counts.max() - counts.min()) <= 1
    names = task.names(data, batches[0])
    own = [name for found, _ in zip(data, range(3), strict=True) for name in found.items["name"]]
    assert len(names) == 8 and set(names) <= set(own)
    again = list(task.epoch(data, 8, torch.Generator().manual_seed(1)))
    assert not torch.equal(torch.cat(batches), torch.cat(again))


def test_every_row_sees_the_same_labels_in_every_step(setup, context):
    """The names of the images with masks, and of those with keypoints, step by step."""
    shown = {}
    for row in ROWS:
        task, data = load(setup, row, context)
        schedule = experiment(setup, row, 0).schedule
        names = [
            task.names(data, batch) for batch in task.epoch(data, schedule.batch_size, torch.Generator().manual_seed(5))
        ]
        of_lvh = set(data[-1].items["name"]) if data[-1].name == "echonet_lvh" else set()
        shown[row] = [([n for n in step if n not in of_lvh], [n for n in step if n in of_lvh]) for step in names]
    per_step = SMOKE.multitask.labels_per_batch
    joint, masks, points, *derived = (shown[row] for row in ROWS)
    assert len(joint) == SMOKE.multitask.labels_per_epoch // per_step > 1
    assert [(len(masked), len(pointed)) for masked, pointed in joint] == [(per_step, per_step)] * len(joint)
    assert [step[0] for step in joint] == [step[0] for step in masks]
    assert [step[1] for step in joint] == [step[1] for step in points]
    assert derived[0] == derived[1] == derived[2] and [len(step[0]) for step in derived[0]] == [per_step] * len(joint)


def test_images_masks_and_points_move_together(joint):
    _, data = joint
    lvh, camus = data[2], data[0]
    rows = rows_of(lvh, count=5)
    # a picture that is bright where its own point is
    marked = torch.zeros_like(lvh.images)
    for row in rows.tolist():
        x, y = lvh.points[row, 1].round().long().tolist()
        marked[row, y, x] = 255
    batch = replace(lvh, images=marked).augmented(rows, 3, torch.Generator().manual_seed(3))
    moved = []
    for image, points, row in zip(batch.images, batch.points, rows.tolist(), strict=True):
        y, x = divmod(int(image[0].argmax()), image.shape[-1])
        assert (points[1] - torch.tensor([x, y])).abs().max() <= 0.5 + 1e-4
        moved.append((points - lvh.points[row])[0])
    assert torch.stack(moved).abs().max() <= lvh.images.shape[-1] / 32 and torch.stack(moved).std() > 0
    marked = camus.targets[:, 0].byte() * 255
    batch = replace(camus, images=marked).augmented(rows_of(camus), 3, torch.Generator().manual_seed(3))
    for image, target in zip(batch.images[:, 0], batch.targets[:, 0], strict=True):
        assert float(image[target].min()) > float(image[~target].max())


def test_points_of_lvh_lie_where_their_rows_say(joint, setup, context):
    _, data = joint
    found = data[2]
    dataset = lvh_selection(SMOKE, setup.folder("echonet_lvh")).open(context.cache)
    keypoints = dataset.tables["keypoints"].set_index(["video", "phase"])
    for row, points, image in zip(found.items.itertuples(), found.points, found.images, strict=True):
        own = keypoints.loc[(row.person, row.phase)]
        height, width = dataset.frames.native_sizes[dataset.frames.index[row.person]]
        box = letterbox(height, width, (64, 64))
        np.testing.assert_allclose(box.invert_points(points.numpy()), own["points"], atol=1e-3)
        assert np.array_equal(image, dataset.frames.frames(row.person)[own["frame"]])
        cm = wall_measures(points.double().numpy(), row.input_row_mm / 10)
        assert cm == pytest.approx(wall_measures(np.asarray(own["points"], "float64"), own["cm_per_px"]), abs=1e-4)


def test_derived_points_frame_their_ventricle(setup, context):
    _, (camus,) = load(setup, ROWS[3], context)
    for points, targets in zip(camus.points, camus.targets, strict=True):
        rows, columns = np.nonzero(targets[0].numpy())
        apex, left, right = points.numpy()
        assert abs(apex[1] - rows.min()) < 3 and left[0] < right[0] and min(left[1], right[1]) > np.median(rows)
        assert columns.min() - 2 < left[0] and right[0] < columns.max() + 2
    batch = camus.augmented(rows_of(camus), 3, torch.Generator().manual_seed(0))
    assert bool(batch.known.all()) and bool(batch.points.isfinite().all())  # both labels on one image


@pytest.fixture(scope="module")
def finished(setup, context):
    """Both designs, and a rival of each, trained for one short epoch."""
    torch.set_num_threads(1)  # so small that threads would only wait for each other
    short = SMOKE.model_copy(update={"multitask": SMOKE.multitask.model_copy(update={"labels_per_epoch": 8})})
    setup = replace(setup, profile=short)
    return {row: execution.run(experiment(setup, row, 0), context) for row in TRAINED}


@pytest.mark.parametrize("row", TRAINED, ids=lambda row: f"{row.design}-{row.single_task or 'both'}")
def test_tables_are_complete(finished, row):
    result = finished[row]
    tables = {name: result.table(name) for name in ("predictions", "masks", "measures", "ef")}
    columns = {"predictions": POINTS, "masks": MASKS, "measures": MEASURES, "ef": EF}
    assert {name: tuple(table) for name, table in tables.items()} == columns
    masks, points = row.single_task != "keypoints", row.single_task != "segmentation"
    assert [bool(len(tables[name])) for name in ("masks", "ef", "predictions", "measures")] == [
        masks, masks, points, points and row.design == "partial"
    ]  # fmt: skip
    if masks:
        structures = tables["masks"].groupby("dataset")["structure"].unique().map(sorted).to_dict()
        expected = {"camus": ["atrium", "epicardium", "lv"]}
        assert structures == (expected | {"echonet_dynamic": ["lv"]} if row.design == "partial" else expected)
        camus = tables["masks"].query("dataset == 'camus'")
        assert len(camus) == 3 * camus["name"].nunique() and set(camus["view"]) == {"2CH", "4CH"}
        assert tables["masks"]["dice"].between(0, 1).all()
    if points:
        names = ["apex", "annulus_left", "annulus_right"] if row.design == "derived" else [
            "posterior_outer", "posterior_inner", "septum_left", "septum_right"
        ]  # fmt: skip
        assert tables["predictions"].groupby("name")["point"].unique().map(list).tolist()[0] == names
        assert tables["predictions"][["error_input_px", "error_native_px", "error_mm"]].notna().all(axis=None)
    metrics = result.metrics
    assert ("dice_camus_lv" in metrics, "keypoint_px" in metrics) == (masks, points)
    if masks:  # one mask for every image, counted pixel by pixel
        floor = tables["masks"].query("dataset == 'camus' and structure == 'lv'")["dice_mean_mask"]
        assert metrics["dice_camus_lv_mean_mask"] == pytest.approx(floor.mean()) and 0 < floor.mean() < 1
    assert result.log["val_loss"].notna().all()


def test_errors_in_three_units_and_measures_follow_from_the_points(finished):
    points = finished[ROWS[0]].predictions
    measures = finished[ROWS[0]].table("measures")
    offset = points[["x_predicted", "y_predicted"]].to_numpy() - points[["x", "y"]].to_numpy()
    np.testing.assert_allclose(points["error_input_px"], np.hypot(*offset.T), rtol=1e-6)
    by_name = measures.drop_duplicates("name").set_index("name").loc[points["name"]]
    for kind in ("input", "native"):
        in_mm = 10 * points[f"error_{kind}_px"] * by_name[f"cm_per_{kind}_px"].to_numpy()
        np.testing.assert_allclose(points["error_mm"], in_mm)
    name = points["name"].iloc[0]
    own = points[points["name"] == name].set_index("point")[["x_predicted", "y_predicted"]].to_numpy()
    thickness = np.linalg.norm(own[1] - own[0]) * by_name.loc[[name], "cm_per_input_px"].iloc[0]
    table = measures[measures["name"] == name].set_index("measure")
    assert table.loc["LVPW", "predicted_cm"] == pytest.approx(thickness)
    assert set(table.index) == {"IVS", "LVID", "LVPW"}
    assert 3 < table.loc["LVID", "label_cm"] + 1.5 < 8


def test_an_item_past_the_end_of_its_video_is_named(setup, context):
    dataset = lvh_selection(SMOKE, setup.folder("echonet_lvh")).open(context.cache)
    keypoints = dataset.tables["keypoints"].copy()
    keypoints.loc[1, "frame"] = 10_000
    with pytest.raises(DataError, match=f"Frame 10000 of {keypoints['video'][1]} is past its last one"):
        PointedImages.load(replace(dataset, tables={"keypoints": pd.DataFrame(keypoints)}), CPU)
