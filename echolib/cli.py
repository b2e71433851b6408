"""The `echolib` command: run the study, say what it would do, take results over, write a phantom, check data."""

import errno
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from echolib.runner.request import Request

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

MOST_LINES, LONGEST_LINE = 50, 1000  # of an error's text; LONGEST_LINE in characters
_STOPPED = "Stopped after {minutes:g} minutes; everything so far is kept. The same command goes on."
_WRITABLE = "choose a folder that you may write to, or set ECHOLIB_HOME to one"
_FIXES = {
    errno.ENOSPC: "make room on this disk; the same command goes on",
    errno.EDQUOT: "make room in your quota; the same command goes on",
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.EROFS: _WRITABLE,
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOENT: "check the path",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}

Profile = Annotated[str, typer.Option(help="smoke, demo, gpu or paper: sizes, never the method.")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FOLDER",
        help="A real dataset's folder, such as camus=/data/CAMUS, in place of the phantom. An environment variable "
        "of the dataset's name in capitals says the same.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Only notebooks whose name starts so, such as 02; only one of its tables with 22:table_1."),
]
Parameter = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Sets a parameter of the notebooks that have it."),
]

Portable = Annotated[
    bool,
    typer.Option(
        "--portable",
        help="Train on the CPU with the arithmetic that x86-64 machines with AVX2 share, each training on one thread: "
        "the same numbers on each of them, in up to a quarter more time.",
    ),
]


@app.command()
def study(
    profile: Profile = "demo",
    data: Data = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would run and what it costs; run nothing.")] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop cleanly after so long; call again to go on.")
    ] = None,
    only: Only = None,
    parameter: Parameter = None,
    cell_timeout: Annotated[float | None, typer.Option(help="Seconds after which a cell counts as failed.")] = None,
    portable: Portable = False,
) -> None:
    """Execute the notebooks that are not up to date, in order, and write reports/PROFILE/."""
    deadline = None if minutes is None else time.time() + 60 * minutes
    from echolib.portable import shared_arithmetic

    with _clear_errors(), shared_arithmetic(portable):  # before numpy is loaded
        from echolib.runner.request import make_request

        request, tables = make_request(profile, data or (), only or (), parameter or ())
        if plan:
            from echolib.provenance import best_device
            from echolib.runner.plan import print_plan

            print_plan(request, best_device())
        elif tables:
            from echolib.runner.single import make_exhibits

            for path in make_exhibits(request, tables, deadline):
                typer.echo(path)
        elif not _run(request, deadline, cell_timeout):
            typer.echo(_STOPPED.format(minutes=minutes))


@app.command()
def train(
    profile: Profile = "demo",
    data: Data = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop cleanly after so long; call again to go on.")
    ] = None,
    only: Only = None,
    parameter: Parameter = None,
    portable: Portable = False,
) -> None:
    """Train all that the notebooks ask for, without them: a study then finds it finished."""
    deadline = None if minutes is None else time.time() + 60 * minutes
    from echolib.portable import shared_arithmetic
    from echolib.processes import end_with_input

    end_with_input()
    with _clear_errors(), shared_arithmetic(portable):  # before numpy is loaded
        from echolib.runner.request import make_request
        from echolib.runner.training import train_all

        request, _ = make_request(profile, data or (), only or (), parameter or ())
        if not train_all(request, deadline, progress=sys.stderr.isatty()):
            typer.echo(_STOPPED.format(minutes=minutes))


@app.command()
def adopt(profile: Profile = "demo", data: Data = None, only: Only = None, parameter: Parameter = None) -> None:
    """Take finished experiments over to the present code, where their stored probe is reproduced by it."""
    with _clear_errors():
        from echolib.runner.request import make_request
        from echolib.runner.upkeep import adopt_all

        request, _ = make_request(profile, data or (), only or (), parameter or ())
        for line in adopt_all(request):
            typer.echo(line)


@app.command()
def runs(
    data: Data = None,
    prune: Annotated[bool, typer.Option("--prune", help="Offer to delete what nothing asks for any more.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """List the experiments that lie here: size, age, and whether the present code and data ask for them."""
    with _clear_errors():
        from echolib.runner.upkeep import list_runs, remove_runs

        stale = list_runs(data or (), typer.echo)
        if prune and stale:
            size = sum(run.mebibytes for run in stale)
            if yes or typer.confirm(f"Delete {len(stale)} experiments ({size:.0f} MiB) that nothing asks for?"):
                remove_runs(stale)
                typer.echo(f"Deleted {len(stale)} experiments.")


@app.command()
def phantom(
    folder: Annotated[Path, typer.Argument(help="Where to write the folders of the simulated datasets.")],
    items: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="Videos or patients of a dataset, such as echonet_dynamic=300."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Write a simulated beating heart in the formats of the datasets."""
    with _clear_errors():
        from echolib.phantom.writers.datasets import parse_items, write_phantom

        typer.echo(write_phantom(folder, parse_items(items or ()), seed=seed))


@app.command()
def verify(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Frame stores, experiments, phantoms, datasets with SHA256SUMS; by default all there are."),
    ] = None,
    sources: Annotated[bool, typer.Option(help="Check the files that frames were decoded from, too.")] = True,
) -> None:
    """Check frames, experiments, phantoms and reports against the hashes they were written with; name what differs."""
    with _clear_errors():
        from echolib.runner.notebook import StudyError
        from echolib.runner.verify import check_all, check_each
        from echolib.workspace import Workspace, find_home

        faults = found = 0
        every = check_each(folders, sources=sources) if folders else check_all(Workspace(find_home()), sources=sources)
        for checked in every:
            found, faults = found + 1, faults + bool(checked.fault)
            typer.echo(checked, err=bool(checked.fault))
        if not found:
            raise StudyError("nothing was found to verify: no frames, experiments, phantoms or reports are here")
        if faults:
            raise StudyError(f"{faults} of {found} are not as they were written")
        typer.echo(f"{found} checked, all whole")


@app.command()
def compare(
    reports: Annotated[Path, typer.Argument(help="reports/PROFILE, or the folder of one notebook in it.")],
    other_reports: Annotated[Path, typer.Argument(help="The same of another clone or commit.")],
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all that moved there, too.")] = None,
) -> None:
    """Compare two folders of reports cell by cell: what moved, whether beyond its interval, which verdicts changed.

    A number moved beyond its interval where the change is larger than half the width of the wider of both intervals.
    Ends with status 1 where one did, or where a verdict turned from supported to opposite or back; 2 for bad input.
    """
    with _clear_errors(status=2):
        from echolib.files import write_json
        from echolib.runner.compare import compare_reports, lines

        comparison = compare_reports(reports, other_reports)
        for line in lines(comparison):
            typer.echo(line)
        if json:
            write_json(json, comparison.as_json())
    if not comparison.is_clean:
        raise typer.Exit(1)


@app.command()
def checksums(folder: Annotated[Path, typer.Argument(help="The folder of a dataset.")]) -> None:
    """Write SHA256SUMS, the hash of every file below a folder; readers and `verify` honour it from then on."""
    with _clear_errors():
        from echolib.data.checksums import write_checksums

        typer.echo(write_checksums(folder))


def _run(request: "Request", deadline: float | None, cell_timeout: float | None) -> bool:
    from echolib.papers.profiles import PROFILES
    from echolib.phantom.writers.missing import write_missing_phantom
    from echolib.provenance import best_device
    from echolib.runner.plan import announce
    from echolib.runner.run import run

    device = best_device()
    write_missing_phantom(request.folders.needed_phantom, PROFILES[request.profile].phantom)
    return run(request, announce=lambda: announce(request, device), deadline=deadline, cell_timeout=cell_timeout)


@contextmanager
def _clear_errors(status: int = 1) -> Iterator[None]:
    """What the user can mend is said in a few words, without a traceback, and ends with this exit status."""
    from echolib.errors import UserError

    try:
        yield
    except UserError as error:
        _end(str(error), status)
    except OSError as error:
        if error.errno == errno.EPIPE:  # whoever read the output has enough
            raise
        _end(_of_system(error), status)
    except MemoryError as error:
        _end(
            f"out of memory{f': {error}' if str(error) else ''}; close other programs, or take a smaller profile",
            status,
        )
    except ValueError as error:
        if type(error).__name__ != "ValidationError":
            raise
        _end(" ".join(str(error).split()), status)  # pydantic writes several lines
    except KeyboardInterrupt:
        typer.echo("Interrupted; everything finished so far is kept. The same command goes on.", err=True)
        raise typer.Exit(130) from None


def _end(text: str, status: int) -> NoReturn:
    typer.echo(f"error: {_shortened(text)}", err=True)
    raise typer.Exit(status) from None


def _of_system(error: OSError) -> str:
    """What the system refused: path, reason, fix."""
    paths = [str(path) for path in (error.filename, error.filename2) if path is not None]
    fix = _FIXES.get(error.errno or 0, "see that it is there, and that it can be read and written")
    return f"{' and '.join(paths) or type(error).__name__}: {error.strerror or error}; {fix}"


def _shortened(text: str) -> str:
    """At most MOST_LINES lines, each cut in its middle where it is very long."""
    lines = text.splitlines()
    more = len(lines) - MOST_LINES
    shown = [
        line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 2 :]}"
        for line in lines[:MOST_LINES]
    ]
    return "\n".join([*shown, *([f"... and {more} more lines"] if more > 0 else [])])
