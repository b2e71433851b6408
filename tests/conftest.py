"""Fixtures that several areas of the tests share: where the real data lies, if it is here at all."""

import os
from pathlib import Path

import jaxtyping
import pytest
import torch

from tests import checked_shapes

# before the first import of these packages: their annotations, shapes included, are checked in every call
PURE = ("losses", "models", "geometry", "metrics")
jaxtyping.install_import_hook([f"echolib.{package}" for package in PURE], f"{checked_shapes.__name__}.check")

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_folder(variable: str, name: str, what: str) -> Path:
    """The folder that an environment variable names, or the one beside the repository; skips where neither is there."""
    folder = Path(os.environ.get(variable) or BESIDE / name)
    if not folder.is_dir():
        pytest.skip(f"{what} not here: set {variable} to its folder")
    return folder


@pytest.fixture(scope="session")
def camus_folder() -> Path:
    """The real CAMUS folder (holding database_nifti/)."""
    return real_folder("ECHOLIB_CAMUS", "camus", "real CAMUS patients")


@pytest.fixture(scope="session")
def cines_folder() -> Path:
    """The folder of three real apical four-chamber cines."""
    return real_folder("ECHOLIB_CINES", "a4c_cines", "real apical cines")


@pytest.fixture(scope="session")
def phantom(tmp_path_factory) -> Path:
    """A phantom of the smoke profile's size."""
    from echolib.papers.profiles import PROFILES
    from echolib.phantom import write_phantom

    return write_phantom(tmp_path_factory.mktemp("phantom") / "smoke", PROFILES["smoke"].phantom, progress=False)


@pytest.fixture(scope="session")
def phantom_cache(tmp_path_factory) -> Path:
    """Where that phantom's frames are kept decoded."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def unchecked():
    """Shapes go unchecked, as outside of the tests: what a function itself says of bad input comes to light."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def _two_threads():
    torch.set_num_threads(min(2, os.cpu_count() or 1))
