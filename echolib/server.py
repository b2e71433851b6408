"""A Jupyter server extension that refuses to start a notebook server without a token, or one others can reach.

Whoever reaches a notebook server runs code as its user, beside patients' data. The shipped jupyter_server_config.py
loads this extension; it checks the settings in force, wherever they came from.
"""

import ipaddress


def faults(ip: str, token: str, allow_remote_access: bool, allow_origin: str) -> list[str]:
    """Why these settings are unsafe, one clause per reason; empty when only this machine reaches the server, with the
    token."""
    problems = []
    if not token:
        problems.append("it has no token")
    if not is_loopback(ip):
        problems.append(f"it listens on {ip or 'all interfaces'}, not on 127.0.0.1")
    if allow_remote_access:
        problems.append("it allows remote access")
    if allow_origin == "*":
        problems.append("it answers pages of any origin")
    return problems


def is_loopback(ip: str) -> bool:
    """Whether an address is this machine's own; an empty one or "*" means all interfaces."""
    if ip == "localhost":
        return True
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "echolib.server"}]


def _load_jupyter_server_extension(app) -> None:
    """Called before the server opens its port. SystemExit, since Jupyter only logs other errors of extensions."""
    if problems := faults(app.ip, app.identity_provider.token, app.allow_remote_access, app.allow_origin):
        raise SystemExit(f"The notebook server was not started: {', '.join(problems)}. Use `make notebook` as it is.")
