"""Videos of EchoNet-Dynamic looked at one by one, with what the beat-to-beat system reads from them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from torch import nn

from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.data.video import read_video
from echolib.engine.execution import trained_model
from echolib.papers.echonet_dynamic.one_video import Reading, read_one
from echolib.papers.exhibits import Results, Setup
from echolib.report.cardiac_cycle import area_over_time
from echolib.report.frame_montage import frame_montage
from echolib.report.player import Scene
from echolib.tasks.beat_to_beat import BeatData, BeatToBeat


@dataclass(frozen=True)
class Explorer:
    """A trained system and the videos that it is shown: `videos` has one row per video with the columns video (its
    name), path, fps and ef_percent."""

    task: BeatToBeat
    model: nn.Module
    data: BeatData
    videos: pd.DataFrame

    def read(self, name: str) -> Reading:
        """What the system reads from one of the videos."""
        return self.read_file(self.row(name)["path"])

    def read_file(self, path: str | Path) -> Reading:
        """What the system reads from a file: AVI, MP4, MOV or DICOM."""
        return read_one(self.task, self.model, self.data, read_video(path))

    def row(self, name: str) -> pd.Series:
        """The table's row of a video. Raises ValueError where there is none of that name."""
        videos = self.videos.set_index("video")
        if name not in videos.index:
            raise ValueError(f"no test video {name!r}: choose one of {len(videos)}, such as {videos.index[0]!r}")
        return videos.loc[name]  # pyrefly: ignore[bad-return]  (names are unique: one row)

    def scene(self, name: str) -> Scene:
        """A video with the outline of its ventricle, its EF, and its area over time, for `report.player`."""
        row, reading = self.row(name), self.read(name)
        title = f"EF {reading.ef_percent:.1f} % (labelled {row['ef_percent']:.1f} %), clips read: {len(reading.clips)}"
        figure = area_figure(reading, fps=row["fps"])
        return Scene(reading.frames, reading.masks, row["fps"], title, figure)


def open_explorer(results: Results, setup: Setup) -> Explorer:
    """The trained beat-to-beat system with its test videos. results: of its one experiment."""
    ((result,),) = results.values()
    assert setup.context is not None
    model, data = trained_model(result, setup.context)
    videos = EchoNetDynamic(setup.folder("echonet_dynamic")).videos
    return Explorer(result.experiment.task, model, data, videos[videos["split"] == "test"])


def read_chosen(results: Results, setup: Setup) -> Reading:
    """What the system reads from the video that is asked for: the file `clip`, else the test video `video`, else the
    first test video."""
    explorer = setup.once(open_explorer, results)
    if clip := str(setup.choices["clip"]):
        return explorer.read_file(clip)
    return explorer.read(str(setup.choices["video"] or explorer.videos["video"].iloc[0]))


def area_figure(reading: Reading, *, fps: float | None) -> Figure:
    """The ventricle's area over time with its beats."""
    return area_over_time(reading.area_px, reading.beats, fps=fps)


def extremes_figure(reading: Reading) -> Figure:
    """The frames of the largest and the smallest ventricle, of its first beat or of the whole video, with outlines."""
    if len(reading.beats.systoles):
        instants = dict(zip(("end diastole", "end systole"), reading.beats.pairs[0], strict=True))
    else:
        instants = {"largest": reading.area_px.argmax(), "smallest": reading.area_px.argmin()}
    masks = [{"LV": reading.masks[frame]} if reading.masks[frame].any() else {} for frame in instants.values()]
    titles = [f"{instant}, frame {frame}" for instant, frame in instants.items()]
    frames = [reading.frames[frame] for frame in instants.values()]
    return frame_montage(frames, titles=titles, masks=masks, columns=2, width=4)
