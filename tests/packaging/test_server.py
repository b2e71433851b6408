"""The shipped Jupyter configuration: a server without a token, or one that others can reach, does not start."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.auth.identity import PasswordIdentityProvider

from echolib.server import faults, is_local_origin, is_loopback

ROOT = Path(__file__).resolve().parents[2]


SHIPPED = """
from jupyter_server.serverapp import ServerApp
ServerApp.start_app = lambda app: (print("LISTENS", app.ip, len(app.identity_provider.token)), app.stop())
ServerApp.start_ioloop = lambda app: None
import sys; from echolib.server import main; sys.exit(main())
"""
CONFIGURED = {
    "ServerApp": {
        "jpserver_extensions": {"echolib.server": False},
        "reraise_server_extension_failures": False,
        "allow_origin_pat": ".*",
        "disable_check_xsrf": True,
    },
    "IdentityProvider": {"token": ""},
}


def start(home: Path, *options: str) -> subprocess.CompletedProcess:
    """Starts the server as `make notebook` does and stops it as soon as it listens."""
    folders = {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTER_DATA_DIR": str(home),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-c", SHIPPED, "--no-browser", "--allow-root", "--port=0", *options],
        capture_output=True, text=True, timeout=120, cwd=home, env={**os.environ, **folders}, check=False,
    )  # fmt: skip


def assert_refused(run: subprocess.CompletedProcess, *words: str) -> None:
    assert run.returncode != 0 and "LISTENS" not in run.stdout, run.stderr
    assert "was not started" in run.stderr and all(word in run.stderr for word in words), run.stderr


def test_as_shipped_it_listens_on_the_loopback_behind_a_token(tmp_path):
    run = start(tmp_path)
    assert "LISTENS" in run.stdout, run.stderr
    ip, length = re.search(r"LISTENS (\S+) (\d+)", run.stdout).groups()
    assert ip == "127.0.0.1" and int(length) >= 32, run.stderr


def test_opened_by_the_command_line_it_refuses(tmp_path):
    options = ("--IdentityProvider.token=a", "--ServerApp.ip=0.0.0.0", "--ServerApp.jpserver_extensions={}")
    assert_refused(start(tmp_path, *options), "listens on 0.0.0.0", "its token has fewer than 32")


def test_opened_by_a_configuration_of_ones_own_it_refuses(tmp_path):
    (tmp_path / "jupyter_config.json").write_text(json.dumps(CONFIGURED))
    assert_refused(start(tmp_path), "no token", "by a pattern", "disable_check_xsrf")


def test_make_notebook_starts_this_server():
    assert "python -m echolib.server" in (ROOT / "Makefile").read_text()


def app(**changed) -> SimpleNamespace:
    """As much of a safe server's settings as the guard looks at, with some of them changed."""
    settings = {
        "ip": "127.0.0.1",
        "allow_remote_access": False,
        "local_hostnames": ["localhost"],
        "allow_unauthenticated_access": False,
        "allow_origin": "",
        "allow_origin_pat": "",
        "disable_check_xsrf": False,
        "trust_xheaders": False,
    }
    login = {name: changed.pop(name) for name in ("token", "hashed_password") if name in changed}
    provider = PasswordIdentityProvider(**{"token": "0" * 32, "hashed_password": "", **login})
    return SimpleNamespace(**{"identity_provider": provider, **settings, **changed})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        ({"ip": "localhost", "allow_origin": "http://localhost:8888"}, []),
        ({"token": ""}, ["no token"]),
        ({"token": "0" * 31}, ["fewer than 32 characters"]),
        ({"hashed_password": "argon2:x"}, ["a password opens it"]),
        ({"identity_provider": object()}, ["object decides who may log in"]),
        ({"ip": ""}, ["all interfaces"]),
        ({"ip": "*", "allow_remote_access": True, "allow_origin": "*"}, ["listens on", "remote access", "pages of *"]),
        ({"token": "", "ip": "192.168.1.7"}, ["no token", "listens on 192.168.1.7"]),
        ({"local_hostnames": ["localhost", "evil.example"]}, ["takes evil.example for this machine"]),
        ({"allow_unauthenticated_access": True}, ["asks for no login"]),
        ({"allow_origin": "https://my.lab"}, ["pages of https://my.lab"]),
        ({"allow_origin_pat": "https://my\\.lab"}, ["by a pattern"]),
        ({"disable_check_xsrf": True}, ["disable_check_xsrf"]),
        ({"trust_xheaders": True}, ["trust_xheaders"]),
    ],
)
def test_every_fault_is_named(changed, words):
    found = faults(app(**changed))
    assert len(found) == len(words), found
    assert all(word in text for word, text in zip(words, found, strict=True))


def test_loopback_addresses():
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("127.5.5.5")
    assert not any(map(is_loopback, ("", "*", "0.0.0.0", "::", "10.0.0.1", "example.org")))


def test_origins_of_this_machine():
    assert all(map(is_local_origin, ("", "http://localhost:8888", "http://127.0.0.1", "https://[::1]:9")))
    foreign = ("*", "https://evil.example", "http://localhost.evil.example", "localhost", "null", "http://10.0.0.1")
    assert not any(map(is_local_origin, foreign))
