"""The guards of the package, as guards.toml lists them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Guard:
    """Some lines of a file (`there`), what stands in their place without the guard, and the tests that should fail."""

    name: str
    file: str
    there: str
    without: str
    tests: tuple[str, ...]

    def removed_from(self, source: str) -> str:
        """The source without the guard. Raises ValueError where its lines are not there exactly once."""
        if source.count(self.there) != 1:
            raise ValueError(f"{self.name}: its lines are {source.count(self.there)} times in {self.file}")
        return source.replace(self.there, self.without)


def _read() -> tuple[Guard, ...]:
    listed = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["guard"]
    return tuple(Guard(**{**one, "tests": tuple(f"tests/{test}" for test in one["tests"])}) for one in listed)


GUARDS = _read()
