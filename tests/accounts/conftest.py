from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from cadence_app import create_app
from cadence_app.extensions import limiter


@pytest.fixture
def limited_app(app: Flask) -> Iterator[Flask]:
    """The application with its limits on, as in use."""
    yield create_app(dict(app.config) | {"RATELIMIT_ENABLED": True})
    # The extension is one for every application.
    limiter.enabled = False
