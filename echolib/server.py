"""A Jupyter server extension that refuses to start a notebook server without a token, or one others can reach.

Whoever reaches a notebook server runs code as its user, beside patients' data. The shipped jupyter_server_config.py
loads this; it looks at the settings in force, wherever they came from.
"""

import ipaddress


def faults(ip: str, token: str, allow_remote_access: bool, allow_origin: str) -> list[str]:
    """What makes these settings unsafe; empty when only this machine reaches the server, and only with the token."""
    found = []
    if not token:
        found.append("it has no token")
    if not is_loopback(ip):
        found.append(f"it listens on {ip or 'all interfaces'}, not on 127.0.0.1")
    if allow_remote_access:
        found.append("it allows remote access")
    if allow_origin == "*":
        found.append("it answers pages of any origin")
    return found


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
    if found := faults(app.ip, app.identity_provider.token, app.allow_remote_access, app.allow_origin):
        raise SystemExit(f"The notebook server was not started: {', '.join(found)}. Use `make notebook` as it is.")
