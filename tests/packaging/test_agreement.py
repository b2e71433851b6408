"""pyproject.toml, requirements.lock and environment.yml say the same, and name no registry."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked() -> dict[str, tuple[str, Marker | None]]:
    """Name -> version and marker of each pin of requirements.lock."""
    pins = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.rstrip(" \\"))
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            assert requirement.name not in pins, f"{requirement.name} is pinned twice"
            pins[requirement.name] = (specifier.version, requirement.marker)
    return pins


def declared() -> list[Requirement]:
    """What the project and its locked extras ask for."""
    extras = PROJECT["optional-dependencies"]
    lists = [PROJECT["dependencies"], *extras.values()]
    return [Requirement(text) for each in lists for text in each]


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_what_the_project_asks_for_is_locked_within_its_range(requirement):
    version, marker = locked()[canonicalize_name(requirement.name)]
    assert version in requirement.specifier
    assert marker is None, f"{requirement.name} would be missing where {marker} does not hold"


def test_every_pin_carries_hashes():
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert len(blocks) == len(locked()) > 100
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock", "environment.yml", "Makefile", ".ci/run"])
def test_no_address_and_no_foreign_wheels(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links|@ file:", text.replace("--no-emit-index-url", ""))


def test_environment_installs_the_lock_on_the_python_the_project_asks_for():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    conda = [each for each in environment["dependencies"] if isinstance(each, str)]
    (pip,) = [each["pip"] for each in environment["dependencies"] if isinstance(each, dict)]
    assert sorted(conda) == ["pip", f"python{PROJECT['requires-python']}"]
    assert pip == ["--require-hashes", "--requirement requirements.lock"]


def test_makefile_asks_for_the_same_python():
    lowest = SpecifierSet(PROJECT["requires-python"])
    makefile = (ROOT / "Makefile").read_text()
    asked = re.search(r"sys\.version_info < \((\d+), (\d+)\)", makefile).groups()
    assert ".".join(asked) in lowest and f"{asked[0]}.{int(asked[1]) - 1}" not in lowest


def test_the_lock_covers_the_extras_the_makefile_locks():
    extras = set(
        re.search(r"LOCK_EXTRAS := (.*)", (ROOT / "Makefile").read_text()).group(1).replace("--extra", "").split()
    )
    assert extras == set(PROJECT["optional-dependencies"])


def test_citation_names_the_four_papers_and_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"] and citation["license"] == PROJECT["license"]
    titles = " ".join(reference["title"].lower() for reference in citation["references"])
    for words in ("echomen", "contrastive pretraining", "temporal channel-wise attention", "unified multi-task"):
        assert words in titles
    assert all(reference["authors"] for reference in citation["references"])
