"""What is learnt. A task makes a model, batches, a loss and a table of predictions; it knows no paper."""

from typing import Annotated

from pydantic import Field

from echolib.tasks.beat_to_beat import BeatToBeat
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.segmentation import Segmentation

AnyTask = Annotated[EFRegression | Segmentation | BeatToBeat, Field(discriminator="kind")]
