"""The reports of a profile as they were committed, and what has moved since."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from echolib.errors import UserError
from echolib.runner.compare import Comparison, compare_reports, lines

MOST = 5  # cells that are named
COMPARED = (".csv", ".json")


class NotCommitted(UserError):
    """There are no committed reports to compare with; its text is the reason."""


def lines_since_commit(home: Path, profile: str) -> Iterator[str]:
    """How the reports of a profile differ from those committed, in a few lines. Raises nothing: where they cannot be
    compared, a line says why."""
    try:
        comparison = compare_with_committed(home, profile)
    except (UserError, OSError, ValueError, tarfile.TarError) as error:
        yield f"not compared with committed reports: {error}"
    else:
        yield "against the committed reports:"
        yield from (f"  {line}" for line in _short(comparison))


def compare_with_committed(home: Path, profile: str) -> Comparison:
    """The committed reports of a profile compared with those that lie there. Raises NotCommitted, and as
    `compare_reports`."""
    with tempfile.TemporaryDirectory() as folder:
        committed = Path(folder) / "committed"
        _extract(_archive(home, f"reports/{profile}"), committed)
        return compare_reports(committed / "reports" / profile, home / "reports" / profile)


def _short(comparison: Comparison) -> Iterator[str]:
    """Of notebooks under other conditions these alone, and nothing that moved there."""
    if comparison.unlike:
        reasons = {reason: [n for n in comparison.unlike if comparison.unlike[n] == reason]
                   for reason in comparison.unlike.values()}  # fmt: skip
        text = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())
        yield f"not compared, since they are of other conditions: {text}"
    if comparison.unlike.keys() != comparison.equal.keys():
        yield from lines(comparison.of_like(), most=MOST)


def _archive(home: Path, folder: str) -> bytes:
    """The folder as the last commit holds it, as a tar file."""
    command = ["git", "-C", str(home), "archive", "--format=tar", "HEAD", "--", folder]
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise NotCommitted("there is no git here") from None
    except subprocess.CalledProcessError:
        raise NotCommitted(f"the last commit holds no {folder}, or this is no clone") from None


def _extract(archive: bytes, folder: Path) -> None:
    """Writes the tables and records of a tar file below a folder."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None and path.suffix in COMPARED and not path.is_absolute() and ".." not in path.parts:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(file.read())
