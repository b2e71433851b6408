"""The `echolib` command: run the study, write a phantom, check decoded data."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from echolib.data.errors import DataError
from echolib.data.folders import locate, write_missing_phantom
from echolib.runner.notebook import StudyError, find_notebooks, parse_value
from echolib.workspace import Workspace, WorkspaceError, find_home

if TYPE_CHECKING:
    from echolib.runner.run import Request

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_REAL = "Folder of the real {} dataset; without it the phantom stands in."


@app.command()
def study(
    profile: Annotated[str, typer.Option(help="smoke, demo, gpu or paper: sizes, never the method.")] = "demo",
    echonet_dynamic: Annotated[str, typer.Option(help=_REAL.format("EchoNet-Dynamic"))] = "",
    camus: Annotated[str, typer.Option(help=_REAL.format("CAMUS"))] = "",
    echonet_lvh: Annotated[str, typer.Option(help=_REAL.format("EchoNet-LVH"))] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Say what would run and what it costs; run nothing.")] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop cleanly after so long; call again to go on.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only notebooks whose name starts so, such as 02.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Sets a notebook's parameter.")
    ] = None,
    cell_timeout: Annotated[float | None, typer.Option(help="Seconds after which a cell counts as failed.")] = None,
) -> None:
    """Execute the notebooks that are not up to date, in order, and write reports/PROFILE/."""
    deadline = None if minutes is None else time.time() + 60 * minutes
    folders = {"echonet_dynamic": echonet_dynamic, "camus": camus, "echonet_lvh": echonet_lvh}
    with _clear_errors():
        request = _request(profile, folders, only or (), parameter or ())
        if plan:
            from echolib.provenance import best_device
            from echolib.runner.plan import print_plan

            print_plan(request, best_device())
            return
        if not _run(request, deadline, cell_timeout):
            typer.echo(f"Stopped after {minutes:g} minutes; everything so far is kept. The same command goes on.")


@app.command()
def phantom(
    folder: Annotated[Path, typer.Argument(help="Where to write EchoNet-Dynamic/, CAMUS/ and EchoNet-LVH/.")],
    videos: Annotated[int, typer.Option(min=1, help="Apical videos of the EchoNet-Dynamic part.")] = 300,
    patients: Annotated[int | None, typer.Option(min=0, help="Patients of the CAMUS part.")] = None,
    lvh_videos: Annotated[int | None, typer.Option(min=0, help="Parasternal videos of the EchoNet-LVH part.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Write a simulated beating heart in the formats of the three datasets."""
    from echolib.phantom.writers.datasets import write_phantom
    from echolib.provenance import best_device

    with _clear_errors():
        sizes = {"videos": videos, "patients": patients, "lvh_videos": lvh_videos}
        typer.echo(write_phantom(folder, **sizes, seed=seed, device=best_device()))


@app.command()
def verify(
    stores: Annotated[list[Path] | None, typer.Argument(help="Frame stores; by default all below cache/.")] = None,
    sources: Annotated[bool, typer.Option(help="Check the source files too.")] = True,
) -> None:
    """Check decoded frames against their hashes and their source files; names every file that changed."""
    from echolib.data.store.frame_store import FrameStore

    with _clear_errors():
        found = stores or sorted(path.parent for path in Workspace(find_home()).cache.rglob("manifest.json"))
        faults = []
        for folder in found:
            try:
                FrameStore(folder).verify(sources=sources)
                typer.echo(f"{folder}: whole")
            except DataError as error:
                faults.append(f"{folder}: {error}")
        if faults:
            raise DataError("\n".join(faults))


def _request(profile: str, folders: dict[str, str], only: Sequence[str], parameters: Sequence[str]) -> "Request":
    from echolib.papers.profiles import PROFILES
    from echolib.runner.run import Request

    if profile not in PROFILES:
        raise StudyError(f"no profile {profile!r}: one of {', '.join(PROFILES)}")
    workspace = Workspace(find_home())
    sources = locate(workspace, profile, folders, phantom=bool(PROFILES[profile].videos))
    if not sources.folders:
        raise StudyError(
            f"the profile {profile!r} has no phantom: give ECHONET_DYNAMIC=, CAMUS= or ECHONET_LVH= a folder"
        )
    settings = {}
    for setting in parameters:
        name, equals, value = setting.partition("=")
        if not equals:
            raise StudyError(f"-p {setting}: write NAME=VALUE")
        settings[name] = parse_value(value)
    notebooks = find_notebooks(workspace.home / "notebooks", only)
    return Request(workspace, profile, notebooks, sources, settings)


def _run(request: "Request", deadline: float | None, cell_timeout: float | None) -> bool:
    from echolib.papers.profiles import PROFILES
    from echolib.provenance import best_device
    from echolib.runner.run import run

    def to_train() -> Mapping[str, int]:
        from echolib.runner.plan import announce

        return announce(request, device)

    device = best_device()
    write_missing_phantom(request.sources, PROFILES[request.profile], device=device)
    return run(request, to_train=to_train, deadline=deadline, cell_timeout=cell_timeout)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """What the user can mend is said in one line, without a traceback, and ends with exit status 1."""
    try:
        yield
    except (DataError, StudyError, WorkspaceError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted; everything finished so far is kept. The same command goes on.", err=True)
        raise typer.Exit(130) from None
