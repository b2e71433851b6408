"""Everything that was written here checked against the hashes it was written with."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from echolib.data.checksums import SUMS, check_folder
from echolib.data.store.building import JOURNAL
from echolib.data.store.frame_store import FrameStore
from echolib.data.store.manifest import MANIFEST
from echolib.engine.checkpoint import read_tensors
from echolib.engine.finished import damage, is_finished
from echolib.errors import UserError
from echolib.runner.notebook import StudyError
from echolib.runner.stamp import changed_files
from echolib.workspace import Workspace

PHANTOM, EXPERIMENT = "phantom.json", "experiment.json"


@dataclass(frozen=True)
class Checked:
    """One thing that was checked: what it is, where it lies, and what is wrong with it ("" nothing)."""

    kind: str
    path: Path
    fault: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path}: {self.fault or 'whole'}"


def check_all(workspace: Workspace, *, sources: bool = True) -> Iterator[Checked]:
    """Checks all frame stores, experiments, phantoms and reports of a workspace.

    sources: the files that frames were decoded from, too.
    """
    stores = {path.parent for mark in (MANIFEST, JOURNAL) for path in workspace.cache.rglob(mark)}
    yield from check_each(sorted(stores), sources=sources)
    yield from check_each(sorted(path.parent for path in workspace.runs.glob(f"*-*/{EXPERIMENT}")))
    yield from check_each(sorted(path.parent for path in workspace.phantoms.glob(f"*/{PHANTOM}")))
    for stamp in sorted((workspace.runs / "notebooks").glob("*/*.json")):
        yield _checked("report", workspace.report(stamp.parent.name, stamp.stem), partial(_report, stamp))


def check_each(folders: Iterable[Path], *, sources: bool = True) -> Iterator[Checked]:
    """Checks folders, each of which is a frame store, an experiment, a phantom or a dataset with SHA256SUMS.

    Raises StudyError for one that is none of these.
    """
    for folder in folders:
        if (folder / MANIFEST).exists() or (folder / JOURNAL).exists():
            yield _checked("frames", folder, partial(_store, sources=sources))
        elif (folder / EXPERIMENT).exists():
            yield _checked("experiment", folder, _experiment)
        elif (folder / PHANTOM).exists():
            parts = sorted(part for part in folder.iterdir() if part.is_dir())
            yield from (_checked("phantom", part, check_folder) for part in parts)
        elif (folder / SUMS).exists():
            yield _checked("dataset", folder, check_folder)
        else:
            known = f"{MANIFEST}, {EXPERIMENT}, {PHANTOM} or {SUMS}"
            raise StudyError(f"{folder} holds nothing that can be verified (it would hold {known})")


def _checked(kind: str, path: Path, check: Callable[[Path], object]) -> Checked:
    try:
        check(path)
    except (UserError, OSError, ValueError) as error:
        return Checked(kind, path, str(error))
    return Checked(kind, path, "")


def _store(folder: Path, *, sources: bool) -> None:
    if (folder / MANIFEST).exists():  # else it is being built, and the build checks what it goes on from
        FrameStore(folder).verify(sources=sources)


def _experiment(folder: Path) -> None:
    if is_finished(folder):
        if fault := damage(folder):
            raise StudyError(f"{fault}; it is run again when it is needed next")
    elif (state := folder / "last" / "state.safetensors").exists():
        read_tensors(state, cure=f"delete {folder} to begin it anew")


def _report(stamp: Path, report: Path) -> None:
    if changed := changed_files(stamp, report):
        raise StudyError(f"not as the study wrote it: {', '.join(changed)}; the next study makes it again")
