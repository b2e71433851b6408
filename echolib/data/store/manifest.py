"""The manifest of a frame store: what it holds, from which files, decoded how. JSON, never a pickle."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from echolib.data.errors import DataError
from echolib.data.sources import source_files
from echolib.sealed import read_sealed, write_sealed

FORMAT = 2  # of the manifest and the frames file
DECODING = 2  # raise when echolib's own reading or fitting gives other pixels than before
MANIFEST, LOCK = "manifest.json", ".lock"


@dataclass(frozen=True)
class Stamp:
    """What the file system says about a source; equal stamps of one path mean the same content.

    ctime is part of it: a file changed with its size and mtime put back still has a new ctime.
    """

    source: str
    bytes: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, path: str | os.PathLike) -> "Stamp":
        """The stamp of a source now: of several files the sum of bytes and the latest times. Raises OSError when one is
        missing."""
        facts = [os.stat(file) for file in source_files(path)]
        latest = (max(fact.st_mtime_ns for fact in facts), max(fact.st_ctime_ns for fact in facts))
        return cls(os.path.abspath(path), sum(fact.st_size for fact in facts), *latest)


@dataclass(frozen=True)
class Item:
    """One video in the store: its source, its position (`start`, `frames`) in the frames file, its native size."""

    name: str
    stamp: Stamp
    sha256: str
    start: int
    frames: int
    native: tuple[int, int]
    chroma: tuple[int, int] | None
    crc32: int

    @classmethod
    def from_json(cls, content: dict) -> "Item":
        """The item of `asdict`, read back from JSON."""
        chroma = content["chroma"]
        stamp, native = Stamp(**content["stamp"]), tuple(content["native"])
        fields: dict[str, Any] = {"stamp": stamp, "native": native, "chroma": tuple(chroma) if chroma else None}
        return cls(**{**content, **fields})


@dataclass(frozen=True)
class Recipe:
    """How sources become frames: two stores of the same sources and recipe hold the same pixels."""

    decoder: str
    size: tuple[int, int] | None
    interpolation: str

    @classmethod
    def from_json(cls, content: dict) -> "Recipe":
        """The recipe of `asdict`, read back from JSON."""
        size = content["size"]
        return cls(content["decoder"], tuple(size) if size else None, content["interpolation"])


@dataclass(frozen=True)
class Manifest:
    """Everything about a store but its pixels, which lie in `file` as (total, height, width) bytes."""

    recipe: Recipe
    file: str
    total: int
    height: int
    width: int
    items: tuple[Item, ...]
    lookup: list | None
    note: str
    written: tuple[int, int]  # mtime and ctime of the frames file: while they stay, nobody wrote to it

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest over names, source hashes and the recipe; not over where the sources lie."""
        return fingerprint(self.recipe, self.items)

    def write(self, folder: Path) -> None:
        """Writes manifest.json atomically."""
        write_sealed(folder / MANIFEST, {"format": FORMAT, "fingerprint": self.fingerprint, **asdict(self)})


def fingerprint(recipe: Recipe, items) -> str:
    """Hex SHA-256 over the recipe and every item's name and source hash, whatever their order."""
    content = [asdict(recipe), sorted((item.name, item.sha256) for item in items)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a store, checked against its frames file. Raises DataError when either is wrong or missing."""
    path = folder / MANIFEST
    try:
        content = read_sealed(path)
        if content["format"] != FORMAT:
            raise DataError(
                f"{path} has format {content['format']}, this version reads {FORMAT}: build the store again"
            )
        del content["format"]
        stated = content.pop("fingerprint")
        items = tuple(Item.from_json(item) for item in content.pop("items"))
        recipe, written = Recipe.from_json(content.pop("recipe")), tuple(content.pop("written"))
        manifest = Manifest(recipe=recipe, items=items, written=written, **content)
    except FileNotFoundError as error:
        raise DataError(f"{folder} holds no finished frame store ({MANIFEST} is missing): build it first") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is damaged ({error!r}): delete the folder and build the store again") from error
    _check(manifest, stated, folder)
    return manifest


def _check(manifest: Manifest, stated: str, folder: Path) -> None:
    frames = folder / manifest.file
    wrong = None
    if Path(manifest.file).name != manifest.file or frames.is_symlink():
        wrong = f"names a frames file outside its folder ({manifest.file})"
    elif not frames.is_file():
        wrong = f"names {manifest.file}, which is missing"
    elif frames.stat().st_size != manifest.total * manifest.height * manifest.width:
        wrong = (
            f"says {manifest.total} frames of {manifest.height} x {manifest.width}, {manifest.file} has another size"
        )
    elif any(item.start < 0 or item.frames < 1 or item.start + item.frames > manifest.total for item in manifest.items):
        wrong = "has an item outside the frames file"
    elif stated != manifest.fingerprint:
        wrong = "does not fit its own fingerprint"
    if wrong:
        raise DataError(f"{folder / MANIFEST} {wrong}: delete the folder and build the store again")


def file_times(path: Path) -> tuple[int, int]:
    """mtime and ctime of a file, in nanoseconds."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ctime_ns


def decoder_version(read: Callable) -> str:
    """What decides the pixels that `read` returns: its name, this module's version, the versions of its `packages`."""
    packages = [f"{name} {metadata.version(name)}" for name in getattr(read, "packages", ())]
    return ", ".join([f"{read.__module__}.{read.__qualname__}", f"decoding {DECODING}", *packages])
