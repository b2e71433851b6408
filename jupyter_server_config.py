"""What `make notebook` starts JupyterLab with: this machine only, behind a token.

echolib.server looks at what is in force in the end.
"""

c = get_config()  # noqa: F821  (Jupyter defines it)
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_remote_access = False
c.ServerApp.allow_unauthenticated_access = False
c.ContentsManager.pre_save_hook = "echolib.runner.clean.before_saving"
