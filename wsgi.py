"""What gunicorn and the flask command load."""

import config
from cadence_app import create_app

app = create_app(config.load())
