"""Where the tasks' small experiments lie, and the phantom's folders."""

from pathlib import Path

import pytest
import torch

from echolib.engine.experiment import RunContext


@pytest.fixture(scope="module")
def context(tmp_path_factory, phantom_cache) -> RunContext:
    return RunContext(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))


@pytest.fixture(scope="session")
def folders(phantom) -> dict[str, Path]:
    names = {"echonet_dynamic": "EchoNet-Dynamic", "camus": "CAMUS", "echonet_lvh": "EchoNet-LVH"}
    return {dataset: phantom / name for dataset, name in names.items()}


@pytest.fixture(scope="session")
def folder(folders) -> Path:
    """That of EchoNet-Dynamic."""
    return folders["echonet_dynamic"]
