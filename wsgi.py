"""What gunicorn and the flask command load."""

import gc
import sys

import config
from cadence_app import create_app, owner_only

owner_only.close_umask()
try:
    settings = config.load()
except ValueError as error:
    # A setting that can't be used is one line, and no traceback.
    sys.exit(str(error))
app = create_app(settings)

# gunicorn's processes share what is here by now: a look for garbage would write into each object it looks at.
gc.collect()
gc.freeze()
