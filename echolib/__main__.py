"""`python -m echolib` is the `echolib` command."""

from echolib.cli import app

app()
