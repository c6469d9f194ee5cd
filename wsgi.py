"""What gunicorn and the flask command load."""

import config
from cadence_app import create_app, owner_only

owner_only.close_umask()
app = create_app(config.load())
