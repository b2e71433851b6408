"""The shipped Jupyter configuration: a server without a token, or one that others can reach, does not start."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from echolib.server import faults, is_loopback

ROOT = Path(__file__).resolve().parents[2]


def start(tmp_path: Path, *options: str) -> subprocess.CompletedProcess:
    """Starts the server as `make notebook` does and stops it as soon as it listens."""
    code = (
        "from jupyter_server.serverapp import ServerApp; from tornado.ioloop import IOLoop\n"
        "ServerApp.start_app = lambda app: (print('LISTENS', app.ip, len(app.identity_provider.token)), app.stop())\n"
        "ServerApp.start_ioloop = lambda app: None\n"
        "import sys; from jupyterlab.labapp import main; sys.exit(main())"
    )
    config = ["--config", str(ROOT / "jupyter_server_config.py"), "--no-browser", "--allow-root", "--port=0"]
    home = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-c", code, *config, *options],
        capture_output=True, text=True, timeout=120, cwd=tmp_path, env={**os.environ, **home}, check=False,
    )  # fmt: skip


def test_as_shipped_it_listens_on_the_loopback_behind_a_token(tmp_path):
    run = start(tmp_path)
    ip, length = re.search(r"LISTENS (\S+) (\d+)", run.stdout).groups()
    assert ip == "127.0.0.1" and int(length) >= 32, run.stderr


@pytest.mark.parametrize(
    ("option", "word"),
    [("--IdentityProvider.token=", "no token"), ("--ServerApp.ip=0.0.0.0", "listens on 0.0.0.0")],
)
def test_opened_by_the_command_line_it_refuses(tmp_path, option, word):
    run = start(tmp_path, option)
    assert run.returncode != 0 and "LISTENS" not in run.stdout
    assert "was not started" in run.stderr and word in run.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("127.0.0.1", "secret", False, ""), []),
        (("localhost", "secret", False, "https://my.lab"), []),
        (("127.0.0.1", "", False, ""), ["no token"]),
        (("", "secret", False, ""), ["all interfaces"]),
        (("*", "secret", True, "*"), ["listens on", "remote access", "any origin"]),
        (("192.168.1.7", "", False, ""), ["no token", "listens on 192.168.1.7"]),
    ],
)
def test_every_fault_is_named(settings, words):
    found = faults(*settings)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))


def test_loopback_addresses():
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("127.5.5.5")
    assert not any(map(is_loopback, ("", "*", "0.0.0.0", "::", "10.0.0.1", "example.org")))
