"""How large a study is: smoke, demo, full, gpu, paper. A profile changes sizes, and in demo and gpu_core which rows run
now: those that carry each paper's point, while tables say "in full" of the others. It never changes the method.

One thing follows from size: small networks from random weights learn nothing in a few epochs of the papers' SGD at
1e-4, which assumes Kinetics weights. So `published_schedules` is true in `paper` alone; the other profiles train with
AdamW and a one-cycle rate, and their reports say so.
"""

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


DEMO_PHANTOM = {"echonet_dynamic": 2560, "camus": 60, "echonet_lvh": 160}
SMOKE_CLIPS = ClipSizes(length=4, size=32, width=4, blocks=1, epochs=1, batch_size=6, test_stride=16)
# 16 frames over the papers' 32 at period 2; 64 px leave 4 x 4 cells after an encoder's last stage
FULL_CLIPS = ClipSizes(length=16, period=4, size=64, width=16, blocks=1, epochs=12, batch_size=8, test_stride=8)
GPU_CLIPS = ClipSizes(length=16, period=4, size=112, width=64, blocks=2, epochs=12, batch_size=20, test_stride=8)
PAPER_CLIPS = ClipSizes(length=32, size=112, width=64, blocks=2, epochs=45, batch_size=20, test_stride=1)

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            phantom={"echonet_dynamic": 24, "camus": 8, "echonet_lvh": 8},
            seeds=(0,),
            compared_seeds=(0,),
            published_schedules=False,
            weights=False,
            clips=SMOKE_CLIPS,
            attention=SMOKE_CLIPS,
            frames=ImageSizes(size=32, width=4, epochs=1, batch_size=8),
            camus=ImageSizes(size=32, width=4, epochs=1, batch_size=8),
            contrastive=ContrastiveSizes(
                size=32,
                width=4,
                temperature=0.5,
                pretraining_epochs=1,
                pretraining_steps=3,
                pretraining_batch=8,
                epochs=1,
                steps=2,
                batch_size=8,
                rate=3e-3,
                draws=(0,),
            ),
            multitask=MultiTaskSizes(size=64, width=4, epochs=1, labels_per_batch=4, labels_per_epoch=12, rate=2e-2),
            camus_stored=64,
            expert_clips=2,
            expert_epochs=2,
            contrast_weights=(0.0, 0.5),
            measured_patients=4,
            resamples=200,
        ),
        Profile(
            name="demo",
            phantom=DEMO_PHANTOM,
            seeds=(0, 1, 2),
            compared_seeds=(0, 1, 2),
            story_only=True,
            published_schedules=False,
            weights=False,
            # nine frames over the 1.2 s of the papers' 32 at period 2, a whole beat at most heart rates; two are left
            # after an encoder's last stage, where attention over time needs more than one
            clips=ClipSizes(length=9, period=7, size=32, width=8, blocks=1, epochs=12, batch_size=8, test_stride=8),
            attention=ClipSizes(length=9, period=7, size=64, width=8, blocks=1, epochs=8, batch_size=8, test_stride=8),
            frames=ImageSizes(size=80, width=8, epochs=3, batch_size=12),
            camus=ImageSizes(size=96, width=16, epochs=10, batch_size=8),
            contrastive=ContrastiveSizes(
                size=64,
                width=8,
                temperature=0.5,  # at 0.1 the loss stays at that of equal embeddings
                pretraining_epochs=8,
                pretraining_steps=640,
                pretraining_batch=32,
                epochs=8,
                steps=400,
                batch_size=4,
                rate=3e-3,
                draws=(0, 1, 2),
            ),
            multitask=MultiTaskSizes(size=96, width=16, epochs=8, labels_per_batch=8, labels_per_epoch=800, rate=2e-2),
            camus_stored=256,
            expert_clips=4,
            expert_epochs=20,
            contrast_weights=(0.0, 0.5, 2.0),
        ),
        Profile(
            name="full",
            phantom=DEMO_PHANTOM,
            phantom_of="demo",
            seeds=(0, 1, 2),
            compared_seeds=(0, 1, 2, 3, 4),
            published_schedules=False,
            weights=False,
            clips=FULL_CLIPS,
            attention=FULL_CLIPS,
            frames=ImageSizes(size=80, width=16, epochs=6, batch_size=12),
            camus=ImageSizes(size=128, width=16, epochs=20, batch_size=8),
            contrastive=ContrastiveSizes(
                size=64,
                width=8,
                temperature=0.5,
                pretraining_epochs=8,
                pretraining_steps=640,
                pretraining_batch=32,
                epochs=8,
                steps=400,
                batch_size=4,
                rate=3e-3,
                draws=(0, 1, 2),
            ),
            multitask=MultiTaskSizes(size=128, width=16, epochs=10, labels_per_batch=8, labels_per_epoch=1600),
            camus_stored=256,
            expert_clips=4,
            expert_epochs=20,
            contrast_weights=(0.0, 0.1, 0.5, 2.0),
        ),
        Profile(
            name="gpu",
            phantom={"echonet_dynamic": 4000, "camus": 500, "echonet_lvh": 1000},
            seeds=(0, 1, 2),
            compared_seeds=(0, 1, 2, 3, 4),
            published_schedules=False,
            weights=True,
            clips=GPU_CLIPS,
            attention=GPU_CLIPS,
            frames=ImageSizes(size=112, width=64, epochs=15, batch_size=20),
            camus=ImageSizes(size=224, width=64, epochs=20, batch_size=16),
            contrastive=ContrastiveSizes(
                size=112,
                width=64,
                temperature=0.5,
                pretraining_epochs=20,
                pretraining_steps=3000,
                pretraining_batch=128,
                epochs=10,
                steps=1000,
                batch_size=32,
                rate=1e-3,
                draws=(0, 1, 2),
            ),
            multitask=MultiTaskSizes(
                size=128, width=64, epochs=20, labels_per_batch=16, labels_per_epoch=1600, rate=3e-4
            ),
            camus_stored=512,
            expert_clips=4,
            expert_epochs=20,
            contrast_weights=(0.0, 0.1, 0.5, 2.0),
        ),
        Profile(
            name="paper",
            phantom={},
            seeds=(0, 1, 2),
            compared_seeds=(0, 1, 2),
            published_schedules=True,
            weights=True,
            clips=PAPER_CLIPS,
            attention=PAPER_CLIPS,
            frames=ImageSizes(size=112, width=64, epochs=50, batch_size=20),
            camus=ImageSizes(size=224, width=64, epochs=50, batch_size=16),
            contrastive=ContrastiveSizes(
                size=224,
                width=64,
                temperature=0.1,
                pretraining_epochs=300,
                pretraining_steps=None,
                pretraining_batch=128,
                epochs=50,
                steps=None,
                batch_size=128,
                rate=1e-4,
                draws=(0, 1, 2),
            ),
            multitask=MultiTaskSizes(
                size=256, width=64, epochs=50, labels_per_batch=16, labels_per_epoch=4800, rate=3e-4
            ),
            camus_stored=512,
            expert_clips=8,
            expert_epochs=20,
            contrast_weights=(0.0, 0.1, 0.25, 0.5, 1.0, 2.0),
        ),
    )
}

# The rows of gpu that carry each paper's point: what it trains, gpu finds finished.
PROFILES["gpu_core"] = PROFILES["gpu"].model_copy(
    update={"name": "gpu_core", "phantom_of": "gpu", "story_only": True, "compared_seeds": (0, 1, 2)}
)


def whole_profiles() -> list[str]:
    """The profiles that run every row, smallest first, but for that of the tests."""
    return [name for name, profile in PROFILES.items() if not profile.story_only and name != "smoke"]
