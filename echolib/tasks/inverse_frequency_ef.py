"""EF by squared error weighted by inverse label frequency: SQINV and INV of Yang et al. (2021)."""

from pydantic import Field

from echolib.losses.inverse_frequency import frequency_weights
from echolib.shapes import EFPercent, LabelWeights
from echolib.tasks.weighted_ef import WeightedEF


class InverseFrequencyEF(WeightedEF):
    """Weights by the inverse count of a label's bin to a power: 0.5 is SQINV, 1 is INV."""

    power: float = Field(default=0.5, gt=0)

    def label_weights(self, ef: EFPercent) -> LabelWeights:
        return frequency_weights(ef, self.power)
