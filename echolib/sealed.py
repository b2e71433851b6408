"""JSON that tells when it was changed: beside its content it holds the hash of it, its seal."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from echolib.files import finite, write_json

SEAL = "seal"


class BrokenSeal(ValueError):
    """What was read is not what was written."""


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content, numbers that are not finite as None, with its seal."""
    plain: dict[str, Any] = finite(content)
    return plain | {SEAL: _hash(plain)}


def unsealed(content: Any) -> dict[str, Any]:
    """The content without its seal. Raises BrokenSeal where it has none or another one."""
    if not isinstance(content, dict) or SEAL not in content:
        raise BrokenSeal("it has no seal")
    rest = {name: value for name, value in content.items() if name != SEAL}
    if content[SEAL] != _hash(rest):
        raise BrokenSeal("it is not as it was written")
    return rest


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON with its seal, atomically."""
    write_json(path, sealed(content))


def read_sealed(path: Path) -> dict[str, Any]:
    """Reads what `write_sealed` wrote. Raises OSError, and ValueError where it is no JSON or was changed."""
    return unsealed(json.loads(path.read_text(encoding="utf-8")))


def _hash(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
