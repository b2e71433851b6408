"""Images of end diastole and end systole as clips of two frames: what EF is read from where there is no sequence."""

import pandas as pd
import torch

from echolib.data.sampling import ResidentFrames

PHASES = ("ED", "ES")
KEY = ["person", "view"]


def are_pairs(items: pd.DataFrame) -> bool:
    """Whether a dataset's items are images at end diastole and end systole, rather than videos."""
    return "phase" in items and bool(items["phase"].isin(PHASES).all())


def paired(items: pd.DataFrame) -> pd.DataFrame:
    """One row per patient and view of which both images are there: as that of the ED image, with name and frames (2) of
    the pair, and the positions `ed` and `es` of its images among the items."""
    numbered = items.reset_index(drop=True)
    numbered["position"] = numbered.index
    ed, es = (numbered[numbered["phase"] == phase].set_index(KEY) for phase in PHASES)
    both = ed.join(es["position"].rename("es"), how="inner").rename(columns={"position": "ed"}).reset_index()
    return both.assign(name=both["person"] + "_" + both["view"], frames=2).drop(columns="phase")


def paired_frames(pairs: pd.DataFrame, stored: ResidentFrames) -> ResidentFrames:
    """Videos of two frames, ED before ES, in the order of `paired`."""
    positions = torch.as_tensor(pairs[list(map(str.lower, PHASES))].to_numpy(copy=True), device=stored.starts.device)
    pixels = stored.gather(stored.starts[positions.flatten()])
    starts = torch.arange(0, len(pixels), 2, device=pixels.device)
    return ResidentFrames(pixels, starts, torch.full_like(starts, 2), pixels.device)
