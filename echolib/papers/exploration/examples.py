"""Example frames of each dataset with what was drawn on them, for `report.frame_montage`."""

import numpy as np
import pandas as pd

from echolib.data.image import read_image, read_mask
from echolib.data.readers.camus import CAMUS
from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.data.readers.echonet_lvh import EchoNetLVH
from echolib.data.video import read_video


def traced_examples(
    reader: EchoNetDynamic, efs: tuple[float, ...]
) -> tuple[list[np.ndarray], list[np.ndarray], list[str]]:
    """ED and ES frames of the test videos whose EF comes closest to `efs`, each once: frames, tracings, titles."""
    test = reader.videos[(reader.videos["split"] == "test") & (reader.videos["traced"] >= 2)].set_index("video")
    by_phase = reader.tracings.set_index(["video", "phase"])
    frames, tracings, titles = [], [], []
    for ef in efs:
        if test.empty:
            break
        row = test.loc[(test["ef_percent"] - ef).abs().idxmin()]
        test = test.drop(index=row.name)
        video = read_video(row["path"])
        for phase in ("ED", "ES"):
            frames.append(video[by_phase["frame"][row.name, phase]])
            tracings.append(by_phase["tracing"][row.name, phase])
            titles.append(f"{phase}, EF {row['ef_percent']:.0f} %")
    return frames, tracings, titles


def four_chamber_images(reader: CAMUS) -> pd.DataFrame:
    """The four-chamber ED and ES images that have a mask: one row per image."""
    images = reader.images
    return images[(images["view"] == "4CH") & images["phase"].isin(["ED", "ES"]) & (images["mask_path"] != "")]


def masked_examples(reader: CAMUS, count: int) -> tuple[list[np.ndarray], list[dict[str, np.ndarray]], list[str]]:
    """ED and ES four-chamber images of the first test patients with their masks: images, masks, titles."""
    images = four_chamber_images(reader)
    images = images[images["split"] == "test"]
    chosen = images[images["patient"].isin(images["patient"].unique()[:count])].sort_values(["patient", "phase"])
    frames, masks, titles = [], [], []
    for row in chosen.itertuples():
        labels = read_mask(row.mask_path)[0][0]
        frames.append(read_image(row.path)[0][0])
        masks.append({"LV": labels == 1, "epicardium": np.isin(labels, [1, 2]), "atrium": labels == 3})
        titles.append(f"{row.patient}, {row.phase}")
    return frames, masks, titles


def keypoint_examples(reader: EchoNetLVH, count: int) -> tuple[list[np.ndarray], list[np.ndarray], list[str]]:
    """The first annotated test frames with four points each: frames, points, titles."""
    chosen = reader.keypoints[reader.keypoints["split"] == "test"].head(count)
    paths = reader.videos.set_index("video")["path"]
    frames = [read_video(paths[row.video])[row.frame] for row in chosen.itertuples()]
    titles = [f"{row.phase}, {row.cm_per_px:.3f} cm per px" for row in chosen.itertuples()]
    return frames, list(chosen["points"]), titles
