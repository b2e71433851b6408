"""One notebook executed with Papermill: its output lines as they come, its log, and its partial state on failure."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from echolib.portable import environment
from echolib.runner.notebook import Notebook, StudyError

STAGED = ".report-"  # in the name of the folder that a notebook's report is staged in
OUT_OF_TIME = "OutOfTime"  # the name of the exception by which an experiment stops cleanly at its deadline


class NotebookFailed(StudyError):
    """A cell failed, the kernel died, or a cell ran out of time; the partial notebook and the log are kept."""


class NotebookStopped(StudyError):
    """The deadline passed while the notebook ran; everything finished so far is kept and reused."""


class Lines:
    """A text stream that hands on whole lines; of a line redrawn in place (progress bars) only its last state."""

    def __init__(self, *sinks: Callable[[str], None]):
        self.sinks = sinks
        self.pending = ""

    def write(self, text: str) -> int:
        """Takes text in pieces of any size."""
        *whole, self.pending = (self.pending + text).split("\n")
        for line in whole:
            self._hand_on(line)
        return len(text)

    def flush(self) -> None:
        """Nothing to do: lines are handed on as soon as they are whole."""

    def close(self) -> None:
        """Hands on what is left without a line end."""
        if self.pending:
            self._hand_on(self.pending)
        self.pending = ""

    def _hand_on(self, line: str) -> None:
        last = line.rstrip("\r").rsplit("\r", 1)[-1]
        for sink in self.sinks:
            sink(last)


def execute(
    notebook: Notebook,
    parameters: Mapping[str, object],
    stem: Path,
    *,
    home: Path,
    deadline: float | None = None,
    cell_timeout: float | None = None,
    on_line: Callable[[str], None] = print,
) -> Path:
    """Executes a notebook into `stem`.ipynb with `stem`.log beside it; returns the folder its report was staged in.

    deadline: seconds since the epoch after which experiments stop at the end of their epoch; cell_timeout in seconds.
    Raises StudyError before a kernel starts (unknown parameter, missing kernel), NotebookStopped, NotebookFailed.
    """
    values = notebook.accept(parameters)
    notebook.require_kernel()
    stem.parent.mkdir(parents=True, exist_ok=True)
    # a new folder each time: the kernel of a study that was killed may live on for a moment and write into its own
    report = Path(tempfile.mkdtemp(prefix=f"{stem.name}{STAGED}", dir=stem.parent))
    variables = {
        "ECHOLIB_HOME": str(home),
        "ECHOLIB_REPORT": str(report),
        "ECHOLIB_DEADLINE": None if deadline is None else repr(deadline),
        # the kernel of this environment, whatever the user's home says python3 is
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    with open(stem.with_name(stem.name + ".log"), "w", encoding="utf-8", buffering=1) as log, environment(**variables):
        _run(notebook, values, stem.with_name(stem.name + ".ipynb"), log, cell_timeout, on_line)
    return report


def remove_staged(stem: Path) -> None:
    """Removes what studies that failed or were killed have staged of a notebook."""
    for folder in stem.parent.glob(f"{stem.name}{STAGED}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _run(notebook: Notebook, values: dict, output: Path, log, cell_timeout: float | None, on_line) -> None:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook

    def note(line: str) -> None:
        log.write(line + "\n")

    def fail(what: str) -> NotebookFailed:
        note(what)
        return NotebookFailed(f"{notebook.name}: {what}\n  so far: {output}\n  log:    {log.name}")

    stdout, stderr = Lines(note, on_line), Lines(note)
    try:
        execute_notebook(
            notebook.path,
            output,
            values,
            kernel_name=notebook.kernel,
            progress_bar=False,
            cwd=notebook.path.parent,
            stdout_file=stdout,
            stderr_file=stderr,
            execution_timeout=cell_timeout,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],  # its warnings would break into the progress bar
        )
    except PapermillExecutionError as error:
        note("\n".join(error.traceback))
        if error.ename == OUT_OF_TIME:
            raise NotebookStopped(f"{notebook.name}: {error.evalue}") from None
        raise fail(f"cell {error.exec_count} failed: {error.ename}: {error.evalue}") from None
    except DeadKernelError:
        raise fail("its kernel died (killed, or out of memory)") from None
    except CellTimeoutError:
        raise fail(f"a cell ran longer than {cell_timeout:g} seconds") from None
    except (OSError, RuntimeError) as error:
        raise fail(f"{type(error).__name__}: {error}") from error
    finally:
        stdout.close()
        stderr.close()
