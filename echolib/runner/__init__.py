"""The study: every notebook executed with Papermill, in order, and only where it is not up to date."""

from echolib.runner.notebook import Notebook, StudyError, find_notebooks

__all__ = ["Notebook", "StudyError", "find_notebooks"]
