"""Videos of EchoNet-Dynamic looked at one by one, with what the beat-to-beat system reads from them."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from torch import nn

from echolib import report
from echolib.data.video import read_video
from echolib.papers.echonet_dynamic.one_video import Reading, read_one
from echolib.tasks.beat_to_beat import BeatData, BeatToBeat


@dataclass(frozen=True)
class Explorer:
    """A trained system and the videos that it is shown: a row of `videos` each, with video (its name), path, fps and
    ef_percent."""

    task: BeatToBeat
    model: nn.Module
    data: BeatData
    videos: pd.DataFrame

    def read(self, name: str) -> Reading:
        """What the system reads from one of the videos."""
        return read_one(self.task, self.model, self.data, read_video(self.row(name)["path"]))

    def row(self, name: str) -> pd.Series:
        """The table's row of a video."""
        return self.videos.set_index("video").loc[name]

    def scene(self, name: str) -> report.Scene:
        """A video with the outline of its ventricle, its EF, and its area over time, for `report.player`."""
        row, reading = self.row(name), self.read(name)
        title = f"EF {reading.ef_percent:.1f} % (labelled {row['ef_percent']:.1f} %), clips read: {len(reading.clips)}"
        figure = area_figure(reading, fps=row["fps"])
        return report.Scene(reading.frames, reading.masks, row["fps"], title, figure)


def area_figure(reading: Reading, *, fps: float | None) -> Figure:
    """The ventricle's area over time with the beats that were found."""
    return report.area_over_time(reading.area_px, reading.beats, fps=fps)


def extremes_figure(reading: Reading) -> Figure:
    """The frames of the largest and the smallest ventricle, of its first beat or of the whole video, with outlines."""
    found = len(reading.beats.systoles) > 0
    pair = reading.beats.pairs[0] if found else (reading.area_px.argmax(), reading.area_px.argmin())
    words = ("end diastole", "end systole") if found else ("largest", "smallest")
    masks = [{"LV": reading.masks[frame]} if reading.masks[frame].any() else {} for frame in pair]
    titles = [f"{word}, frame {frame}" for word, frame in zip(words, pair, strict=True)]
    return report.frame_montage(
        [reading.frames[frame] for frame in pair], titles=titles, masks=masks, columns=2, width=4
    )
