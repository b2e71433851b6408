"""A package's face whose names are imported when they are first asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_face(package: str, defined_in: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package; defined_in: name -> the module that defines it.

    The face holds the mapping as a literal called DEFINED_IN, where `engine.code` reads it.
    """

    def __getattr__(name: str) -> object:
        if name not in defined_in:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(defined_in[name]), name)

    return __getattr__, lambda: sorted(defined_in)
