"""Building a frame store: decode what is not there yet, keep what is, replace the store in one step.

While a build runs its folder holds `frames.partial`, the pixels so far, and `building.jsonl`, one line per finished
item. A build that was killed leaves both, and the next one goes on from them.
"""

import json
import multiprocessing
import os
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from echolib.data.errors import DataError, Faults
from echolib.data.sources import source_sha256
from echolib.data.store.damage import damaged_items
from echolib.data.store.decoding import Expected, Job, WriteError, decode_all, write_frames
from echolib.data.store.manifest import Item, Manifest, Recipe, Stamp, file_times, fingerprint, read_manifest
from echolib.data.video import rgb_lookup
from echolib.sealed import sealed, unsealed

PARTIAL, JOURNAL = "frames.partial", "building.jsonl"
_BLOCK = 1 << 26


def refuse_half_started() -> None:
    """Raises DataError in a worker process that is still importing the script of its parent.

    Such a script builds at its top level: its workers would wait for the lock that their parent holds, for ever.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise DataError("this script builds a frame store at its top level: put it under `if __name__ == '__main__':`")


def is_current(
    folder: Path, recipe: Recipe, stamps: Mapping[str, Stamp], expected: Mapping[str, Expected] | None = None
) -> bool:
    """True when the folder holds a finished, undamaged store of exactly these sources, none of them touched since."""
    manifest = _finished(folder)
    if not manifest or manifest.recipe != recipe:
        return False
    if [(item.name, item.stamp) for item in manifest.items] != [*stamps.items()]:
        return False
    return all(_as_said(item, expected or {}) for item in manifest.items) and not damaged_items(folder, manifest)


def stamp_all(sources: Mapping[str, str | os.PathLike]) -> dict[str, Stamp]:
    """The stamp of every source. Raises DataError with every missing one."""
    if not sources:
        raise DataError("a frame store needs at least one source")
    faults, stamps = Faults("sources of the frame store", "correct the paths"), {}
    for name, path in sources.items():
        try:
            stamps[name] = Stamp.of(path)
        except OSError as error:
            faults.add(f"{name}: {path}: {error.strerror}")
    faults.raise_any()
    return stamps


class Build:
    """One build in one folder, under its lock. `run` does it."""

    def __init__(
        self, folder: Path, recipe: Recipe, read: Callable, stamps: dict[str, Stamp], expected: dict[str, Expected]
    ):
        self.folder, self.recipe, self.read, self.stamps, self.expected = folder, recipe, read, stamps, expected
        self.partial, self.journal = folder / PARTIAL, folder / JOURNAL
        self.changed: list[str] = []  # sources that are other files than those decoded before
        finished = _finished(folder)
        self.in_use = finished.file if finished else ""
        self.old = finished if finished and finished.recipe == recipe else None

    def run(self, workers: int | None, progress: bool) -> None:
        """Leaves a finished store of the sources in the folder. Raises DataError with every source that failed."""
        kept = self._kept(self.old) if self.old else {}
        if self.old and kept.keys() == self.stamps.keys() == {item.name for item in self.old.items}:
            size = (self.old.height, self.old.width)
            self._write_manifest([kept[name] for name in self.stamps], self.old.file, self.old.total, size)
            return
        try:
            self._run(kept, workers, progress)
        except (WriteError, OSError) as error:
            # What a full disk needs most is space; a store that was finished before is not touched.
            unfinished = (path for path in self.folder.glob("frames-*.u8") if path.name != self.in_use)
            for path in (self.partial, self.journal, *unfinished):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            if isinstance(error, WriteError):
                raise
            raise WriteError(f"{self.folder} cannot be written ({error}): free space or build elsewhere") from error
        if self.changed:
            _say(f"sources of {self.folder} changed since they were decoded", self.changed)

    def _run(self, kept: dict[str, Item], workers: int | None, progress: bool) -> None:
        done = self._resume()
        job = self._job(done, kept)
        if not self.journal.exists():
            header = {"recipe": asdict(self.recipe), "height": job.height, "width": job.width}
            self.partial.write_bytes(b"")
            self.journal.write_text(_line(header))
        end = max((item.start + item.frames for item in done.values()), default=0)
        counter = multiprocessing.get_context("spawn").Value("q", end)
        faults = Faults(f"frame store {self.folder}", "replace the listed files; finished ones are not decoded again")
        with self.journal.open("a") as journal:
            for result in self._results(job, counter, done, kept, workers, progress):
                if isinstance(result, str):
                    faults.add(result)
                    continue
                done[result.name] = result
                journal.write(_line(asdict(result)))
                journal.flush()
        faults.lines.sort()
        faults.raise_any()
        self._finish([done[name] for name in self.stamps], counter.value, job)

    def _results(self, job, counter, done, kept, workers, progress) -> Iterator[Item | str]:
        copies = [kept[name] for name in self.stamps if name in kept and name not in done]
        todo = [(name, stamp.source) for name, stamp in self.stamps.items() if name not in done and name not in kept]
        yield from self._copied(job, counter, copies)
        with tqdm(total=len(todo), desc=f"decoding into {self.folder.name}", disable=not progress, leave=False) as bar:
            for result in decode_all(job, counter, todo, workers):
                bar.update()
                yield result

    def _job(self, done: dict[str, Item], kept: dict[str, Item]) -> Job:
        """The job with the store's frame size: given, or that of what is there already, or of the first source."""
        if self.recipe.size:
            height, width = self.recipe.size
        elif done or kept:
            height, width = next(iter((done or kept).values())).native
        else:
            height, width = self._first_size()
        return Job(str(self.partial), self.recipe, self.read, height, width, self.expected)

    def _first_size(self) -> tuple[int, int]:
        for stamp in self.stamps.values():
            with suppress(Exception):  # named with all the others when its turn to be decoded comes
                _, height, width = np.shape(self.read(stamp.source))
                return height, width
        return 1, 1

    def _kept(self, old: Manifest) -> dict[str, Item]:
        """Items of the finished store that need not be decoded again."""
        damaged = set(damaged_items(self.folder, old))
        if damaged:
            _say(f"{self.folder / old.file} was damaged", damaged)
        return self._still_valid(item for item in old.items if item.name not in damaged)

    def _still_valid(self, items: Iterable[Item]) -> dict[str, Item]:
        """Items whose source is unchanged: the same stamp, or another stamp and the same hash; and is as tables say."""
        valid = {}
        for item in items:
            stamp = self.stamps.get(item.name)
            if stamp and _as_said(item, self.expected) and (stamp == item.stamp or _same_content(stamp, item)):
                valid[item.name] = replace(item, stamp=stamp)
            elif stamp:
                self.changed.append(item.name)
        return valid

    def _resume(self) -> dict[str, Item]:
        """Items of an interrupted build whose frames are whole in the partial file."""
        try:
            header, *lines = self.journal.read_text().split("\n")
            facts, items, final = unsealed(json.loads(header)), [], None
            for line in filter(None, lines):
                with suppress(ValueError):  # damaged, or being written when the build was killed
                    content = unsealed(json.loads(line))
                    final = content.get("final", final)
                    items += [Item.from_json(content)] if "name" in content else []
            if Recipe.from_json(facts["recipe"]) != self.recipe:
                raise ValueError("another recipe")
            if final and final != self.in_use and not self.partial.exists():
                os.replace(self.folder / Path(final).name, self.partial)  # killed just before the manifest
            return _whole(self.partial, facts["height"], facts["width"], self._still_valid(items))
        except (OSError, ValueError, KeyError, TypeError):
            self.journal.unlink(missing_ok=True)
            self.partial.unlink(missing_ok=True)
            return {}

    def _copied(self, job: Job, counter, items: list[Item]) -> Iterator[Item | str]:
        """Frames that the finished store of the same recipe has already."""
        if not items or self.old is None:
            return
        shape = (self.old.total, self.old.height, self.old.width)
        pixels = np.memmap(self.folder / self.old.file, "uint8", "r", shape=shape)
        for item in items:
            if (job.height, job.width) != shape[1:]:
                yield f"{item.name}: {item.stamp.source} is {shape[1]} x {shape[2]}, others are not: give a size"
            else:
                yield replace(item, **write_frames(job, counter, pixels[item.start : item.start + item.frames]))

    def _finish(self, items: list[Item], total: int, job: Job) -> None:
        file = f"frames-{fingerprint(self.recipe, items)[:12]}.u8"
        with open(self.partial, "rb+") as partial:
            partial.truncate(total * job.height * job.width)
            os.fsync(partial.fileno())
        with self.journal.open("a") as journal:
            journal.write(_line({"final": file}))
        os.replace(self.partial, self.folder / file)
        self._write_manifest(items, file, total, (job.height, job.width))
        self.journal.unlink()
        for path in self.folder.glob("frames-*.u8"):
            if path.name != file:
                path.unlink()  # readers that have it open keep their pixels

    def _write_manifest(self, items: list[Item], file: str, total: int, size: tuple[int, int]) -> None:
        height, width = size
        chroma = {item.chroma for item in items}
        constant = next(iter(chroma)) if len(chroma) == 1 else None
        lookup = rgb_lookup(constant).tolist() if constant else None
        note = "RGB is a look-up of grey" if constant else "chroma is not constant or not known: grey only"
        written = file_times(self.folder / file)
        Manifest(self.recipe, file, total, height, width, tuple(items), lookup, note, written).write(self.folder)


def _finished(folder: Path) -> Manifest | None:
    """The manifest of a finished store; None where there is none, or a damaged one, which a build replaces."""
    try:
        return read_manifest(folder)
    except DataError:
        return None


def _say(what: str, names: Iterable[str]) -> None:
    first, *others = sorted(names)
    more = f" and {len(others)} more" if others else ""
    warnings.warn(f"{what}: decoded again: {first}{more}", stacklevel=5)


def _line(content: dict) -> str:
    return json.dumps(sealed(content)) + "\n"


def _as_said(item: Item, expected: Mapping[str, Expected]) -> bool:
    """Whether an item is what tables say of its source; where it is not, decoding it again will say so."""
    said = expected.get(item.name, Expected())
    facts = ((said.frames, item.frames), (said.size, item.native), (said.sha256, item.sha256))
    return all(wanted in (None, fact) for wanted, fact in facts)


def _same_content(stamp: Stamp, item: Item) -> bool:
    try:
        return stamp.bytes == item.stamp.bytes and source_sha256(stamp.source) == item.sha256
    except OSError:
        return False  # decoding it again will say what is wrong


def _whole(partial: Path, height: int, width: int, items: dict[str, Item]) -> dict[str, Item]:
    """The items whose frames in the partial file have the checksum they were written with."""
    whole = {}
    with partial.open("rb") as file:
        for name, item in items.items():
            file.seek(item.start * height * width)
            left, crc = item.frames * height * width, 0
            while left and (block := file.read(min(left, _BLOCK))):
                left, crc = left - len(block), zlib.crc32(block, crc)
            if not left and crc == item.crc32:
                whole[name] = item
    return whole
