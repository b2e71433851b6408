"""The table of encoders from made results."""

import math

import pandas as pd
import pytest

from echolib.engine.schedule import Schedule
from echolib.folders import DataFolders
from echolib.papers.contrastive.features import plateau, pretraining_table, reference
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES
from echolib.tasks.byol import BYOLPretraining
from echolib.tasks.simclr import SimCLRPretraining

SETUP = Setup(PROFILES["smoke"], DataFolders({}, None))


class Made:
    def __init__(self, task, items=75):
        self.predictions = pd.DataFrame({"name": range(items)})
        self.metrics = {"epochs": 4, "best_epoch": 2, "best_val_loss": 4.1, "spread": 0.8, "seconds": 9.0}
        schedule = Schedule(epochs=4, batch_size=16, optimiser="adam", learning_rate=1e-3)
        self.experiment = type("E", (), {"task": task, "schedule": schedule})()


def test_the_loss_of_equal_embeddings_in_the_validation_s_batches():
    loss, equal = plateau(Made(SimCLRPretraining()))
    assert loss == 4.1 and equal == pytest.approx((64 * math.log(127) + 11 * math.log(21)) / 75)
    assert plateau(Made(SimCLRPretraining(), items=65))[1] == pytest.approx(math.log(127))  # the last has no other


def test_one_row_per_encoder():
    results = {"SimCLR": [Made(SimCLRPretraining(items_per_epoch=160))], "BYOL": [Made(BYOLPretraining())]}
    simclr, byol = pretraining_table(results, SETUP).to_dict("records")
    assert (simclr["steps"], simclr["epoch_kept"], simclr["spread"]) == (40, 3, 0.8)
    assert simclr["all_equal"] > 4 and math.isnan(byol["all_equal"]) and pd.isna(byol["steps"])
    assert simclr["learnt"] == "yes" and byol["learnt"] == ""


def test_the_images_of_the_first_encoder_that_was_run_are_probed():
    assert reference({"SimCLR (E), U-Net": [], "SimCLR (E), DeepLabV3": []}) == "SimCLR (E), DeepLabV3"
    assert reference({"BYOL (E), U-Net": [], "SimCLR (E), U-Net": []}) == "SimCLR (E), U-Net"
