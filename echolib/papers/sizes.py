"""What a profile sizes: clips, images, steps, seeds, and the data it simulates."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from echolib.frozen import Frozen


class ClipSizes(Frozen):
    """Clips for EF and the networks that read them."""

    length: PositiveInt  # frames
    period: PositiveInt = 2
    size: PositiveInt  # pixels
    width: PositiveInt  # channels of the first stage, 64 in the papers
    blocks: PositiveInt  # residual blocks a stage, 2 in the papers
    epochs: PositiveInt
    batch_size: PositiveInt
    test_stride: PositiveInt  # 1 predicts from every start


class ImageSizes(Frozen):
    """Frames for segmentation and the networks that read them."""

    size: PositiveInt
    width: PositiveInt
    epochs: PositiveInt
    batch_size: PositiveInt


class ContrastiveSizes(Frozen):
    """Contrastive pretraining and the fine-tuning of it.

    pretraining_steps, steps: optimiser steps of all epochs together, a multiple of the epochs and the same for every
    dataset and fraction of the labels. None in `paper`: its epochs see each item once, fewer labels take fewer steps.
    """

    size: PositiveInt  # pixels, 224 in the paper
    width: PositiveInt
    temperature: PositiveFloat  # of SimCLR, 0.1 in the paper
    pretraining_epochs: PositiveInt  # 300 in the paper
    pretraining_steps: PositiveInt | None
    pretraining_batch: PositiveInt  # 128 and 256
    epochs: PositiveInt  # of fine-tuning, 50 in the released code
    steps: PositiveInt | None
    batch_size: PositiveInt  # 128
    rate: float  # of MADGRAD, where the published schedules are not kept
    draws: tuple[int, ...] = Field(min_length=1)  # of a fraction of the labels, each with its own initial weights


class MultiTaskSizes(Frozen):
    """Masks and keypoints by one network."""

    size: PositiveInt  # pixels, a multiple of 32
    width: PositiveInt  # 64 is EfficientNet-B0 and a decoder of 256 to 16 channels
    epochs: PositiveInt
    labels_per_batch: PositiveInt  # images with masks in a batch, and images with keypoints: alike in every row
    labels_per_epoch: PositiveInt
    rate: float  # of AdamW: 3e-4 at full width from ImageNet weights; narrow networks bear and need larger ones


class PatientSizes(Frozen):
    """What is put to CAMUS's patients, cross-validated."""

    folds: tuple[int, ...]  # that are run: of five, the others' patients are no test patients
    seeds: tuple[int, ...]  # of EF methods
    pairs: ClipSizes  # the ED and the ES frame, and what reads them
    outlines: ImageSizes  # of the segmenter, ours
    outline_seeds: tuple[int, ...]
    simulated_frames: PositiveInt  # that a segmenter learns from which sees no patient, or before it does
    phantom_steps: PositiveInt


class Profile(Frozen):
    """Sizes of everything."""

    name: str
    phantom: dict[str, NonNegativeInt]  # videos or patients of each dataset; {}: none, the real datasets are needed
    phantom_of: str = ""  # the profile whose phantom this one uses; "": its own
    seeds: tuple[int, ...] = Field(min_length=1)
    compared_seeds: tuple[int, ...] = Field(min_length=1)  # of methods that a paper's claims set against each other
    story_only: bool = False  # runs the rows that carry each paper's point; tables say "in full" of the others
    published_schedules: bool
    weights: bool  # Kinetics and ImageNet weights, where a full-size network can take them
    clips: ClipSizes
    attention: ClipSizes  # of the tables on TCA, whose maps need 64 px to have 4 x 4 cells
    frames: ImageSizes  # EchoNet-Dynamic's traced frames
    camus: ImageSizes
    contrastive: ContrastiveSizes
    multitask: MultiTaskSizes
    patients: PatientSizes
    camus_stored: PositiveInt  # CAMUS images are letterboxed to this square, on which Dice is measured
    expert_clips: PositiveInt  # of each training video, whose features EchoMEN's experts learn from
    expert_epochs: PositiveInt
    contrast_weights: tuple[float, ...]  # lambda of EchoMEN's contrastive loss, swept
    measured_patients: PositiveInt = 60  # whose frames are measured beside the phantom's
    resamples: PositiveInt = 10_000  # of a bootstrap


def with_seeds(profile: Profile, count: int) -> Profile:
    """The profile with seeds 0 to count - 1 for every method; with its own where count is 0."""
    if count < 0:
        raise ValueError(f"the number of seeds is 0 (the profile's own) or more, not {count}")
    seeds = tuple(range(count))
    return profile.model_copy(update={"seeds": seeds, "compared_seeds": seeds}) if count else profile
