"""How large a study is: smoke, demo, full, gpu, paper. A profile changes sizes, and in demo and gpu_core which rows run
now: those that carry each paper's point, while tables say "in full" of the others. It never changes the method.

One thing follows from size: small networks from random weights learn nothing in a few epochs of the papers' SGD at
1e-4, which assumes Kinetics weights. So `published_schedules` is true in `paper` alone; the other profiles train with
AdamW and a one-cycle rate, and their reports say so.
"""

from echolib.papers.sizes import ClipSizes, ContrastiveSizes, ImageSizes, MultiTaskSizes, PatientSizes, Profile

DEMO_PHANTOM = {"echonet_dynamic": 2560, "camus": 60, "echonet_lvh": 300}
SMOKE_CLIPS = ClipSizes(length=4, size=32, width=4, blocks=1, epochs=1, batch_size=6, test_stride=16)
# 16 frames over the papers' 32 at period 2; 64 px leave 4 x 4 cells after an encoder's last stage
FULL_CLIPS = ClipSizes(length=16, period=4, size=64, width=16, blocks=1, epochs=12, batch_size=8, test_stride=8)
GPU_CLIPS = ClipSizes(length=16, period=4, size=112, width=64, blocks=2, epochs=12, batch_size=20, test_stride=8)
PAPER_CLIPS = ClipSizes(length=32, size=112, width=64, blocks=2, epochs=45, batch_size=20, test_stride=1)
FOLDS = (0, 1, 2, 3, 4)
# 500 pairs of frames are so few that a larger network or picture costs without learning more
PAIRS = ClipSizes(length=2, period=1, size=64, width=16, blocks=1, epochs=16, batch_size=8, test_stride=1)
OUTLINES = ImageSizes(size=128, width=16, epochs=88, batch_size=8)

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
            patients=PatientSizes(
                folds=(1,),
                seeds=(0,),
                pairs=ClipSizes(length=2, period=1, size=32, width=4, blocks=1, epochs=1, batch_size=4, test_stride=1),
                outlines=ImageSizes(size=32, width=4, epochs=1, batch_size=4),
                outline_seeds=(0,),
                simulated_frames=16,
                phantom_steps=4,
            ),
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
            clips=ClipSizes(length=9, period=7, size=32, width=8, blocks=1, epochs=15, batch_size=8, test_stride=8),
            attention=ClipSizes(length=9, period=7, size=64, width=8, blocks=1, epochs=4, batch_size=8, test_stride=64),
            frames=ImageSizes(size=80, width=8, epochs=2, batch_size=12),
            camus=ImageSizes(size=96, width=16, epochs=4, batch_size=8),
            contrastive=ContrastiveSizes(
                size=64,
                width=8,
                temperature=0.5,  # at 0.1 the loss stays at that of equal embeddings
                pretraining_epochs=8,
                pretraining_steps=1600,
                pretraining_batch=16,
                epochs=8,
                steps=400,
                batch_size=4,
                rate=3e-3,
                draws=(0, 1, 2),
            ),
            multitask=MultiTaskSizes(size=96, width=16, epochs=7, labels_per_batch=8, labels_per_epoch=800, rate=2e-2),
            patients=PatientSizes(
                folds=FOLDS,
                seeds=(0, 1, 2),
                pairs=PAIRS,
                outlines=ImageSizes(size=96, width=16, epochs=20, batch_size=8),
                outline_seeds=(0,),
                simulated_frames=2000,
                phantom_steps=1000,
            ),
            camus_stored=256,
            expert_clips=4,
            expert_epochs=20,
            contrast_weights=(0.0, 0.5, 2.0),
            resamples=2_000,
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
                pretraining_steps=3200,
                pretraining_batch=16,
                epochs=8,
                steps=400,
                batch_size=8,
                rate=3e-3,
                draws=(0, 1, 2, 3, 4),
            ),
            multitask=MultiTaskSizes(
                size=128, width=16, epochs=10, labels_per_batch=8, labels_per_epoch=1600, rate=1e-2
            ),
            patients=PatientSizes(
                folds=FOLDS,
                seeds=(0, 1, 2, 3, 4),
                pairs=PAIRS,
                outlines=OUTLINES,
                outline_seeds=(0,),
                simulated_frames=4000,
                phantom_steps=3000,
            ),
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
            patients=PatientSizes(
                folds=FOLDS,
                seeds=(0, 1, 2, 3, 4),
                pairs=PAIRS,
                outlines=OUTLINES,
                outline_seeds=(0, 1, 2),
                simulated_frames=8000,
                phantom_steps=6000,
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
            patients=PatientSizes(
                folds=FOLDS,
                seeds=(0, 1, 2, 3, 4),
                pairs=PAIRS,
                outlines=OUTLINES,
                outline_seeds=(0, 1, 2),
                simulated_frames=8000,
                phantom_steps=6000,
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
