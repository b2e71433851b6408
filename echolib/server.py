"""A notebook server that starts only where this machine alone reaches it, behind a token that cannot be guessed.

Whoever reaches a notebook server runs code as its user, beside patients' data. `make notebook` runs this module. It
looks at the settings in force, wherever they came from, in the server itself: no configuration switches that off.
"""

import ipaddress
import sys
import warnings
from functools import wraps
from pathlib import Path
from urllib.parse import urlsplit

FEWEST_CHARACTERS = 32  # of a token; Jupyter's own have 48


def faults(app) -> list[str]:
    """Why a server (jupyter_server's ServerApp) is unsafe, one clause per reason; none where only this machine reaches
    it, with the token."""
    foreign = [name for name in app.local_hostnames if not is_loopback(name)]
    found = {
        f"it listens on {app.ip or 'all interfaces'}, not on 127.0.0.1": not is_loopback(app.ip),
        "it allows remote access": app.allow_remote_access,
        f"it takes {', '.join(foreign)} for this machine": bool(foreign),
        "it lets strangers in where a page asks for no login": app.allow_unauthenticated_access,
        f"it answers pages of {app.allow_origin}": not is_local_origin(app.allow_origin),
        "it answers pages by a pattern (name one with allow_origin)": bool(app.allow_origin_pat),
        "it takes requests that other pages forge (disable_check_xsrf)": app.disable_check_xsrf,
        "it believes a proxy who is asking (trust_xheaders)": app.trust_xheaders,
    }
    return [*_faults_of_login(app.identity_provider), *(clause for clause, is_so in found.items() if is_so)]


def _faults_of_login(provider) -> list[str]:
    """provider: a jupyter_server IdentityProvider."""
    if not type(provider).__module__.startswith("jupyter_server."):
        return [f"{type(provider).__name__} decides who may log in"]
    clauses = []
    if not provider.token:
        clauses.append("it has no token (leave it unset, and a good one is made)")
    elif len(provider.token) < FEWEST_CHARACTERS:
        clauses.append(
            f"its token has fewer than {FEWEST_CHARACTERS} characters (leave it unset, and a good one is made)"
        )
    if getattr(provider, "hashed_password", ""):
        clauses.append("a password opens it, which can be guessed (leave it unset: the token is enough)")
    return clauses


def is_loopback(ip: str) -> bool:
    """Whether an address is this machine's own; an empty one or "*" means all interfaces."""
    if ip == "localhost":
        return True
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def is_local_origin(origin: str) -> bool:
    """Whether an origin, such as "http://localhost:8888", is this machine; "" is the server itself."""
    return origin == "" or is_loopback(urlsplit(origin).hostname or "")


def guard() -> None:
    """From now on no notebook server of this process opens its port where `faults` finds any; SystemExit names them."""
    from jupyter_server.serverapp import ServerApp

    opened = ServerApp.init_httpserver

    @wraps(opened)
    def init_httpserver(self: ServerApp) -> None:
        if problems := faults(self):
            reasons = ", ".join(problems)
            raise SystemExit(f"The notebook server was not started: {reasons}. Use `make notebook` as it is.")
        opened(self)

    ServerApp.init_httpserver = init_httpserver


def main() -> None:
    """JupyterLab with the shipped configuration, guarded."""
    from jupyter_server.utils import JupyterServerAuthWarning
    from jupyterlab.labapp import main as lab

    guard()
    warnings.simplefilter("ignore", JupyterServerAuthWarning)  # of pages that now ask for a login as all others do
    config = Path(__file__).resolve().parents[1] / "jupyter_server_config.py"
    sys.argv[1:1] = ["--config", str(config)]
    lab()


if __name__ == "__main__":
    main()
