"""What `make notebook` starts JupyterLab with: this machine only, behind a token."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # found also where the project is not installed

c = get_config()  # noqa: F821  (Jupyter defines it)
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_remote_access = False
# refuses to start where a command line or another configuration opens the server after all
c.ServerApp.jpserver_extensions = {"echolib.server": True}
c.ServerApp.reraise_server_extension_failures = True
