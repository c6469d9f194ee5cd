from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from cadence_app import create_app
from cadence_app.accounts import tries
from cadence_app.extensions import limiter

WAIT = 900


@pytest.fixture
def limited_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application with its limits on, as in use. The first wait is long at once, so that a slow machine
    does not sit it out."""
    for kind, limit in tries.LIMITS.items():
        monkeypatch.setitem(tries.LIMITS, kind, replace(limit, first=WAIT, longest=WAIT))
    yield create_app(dict(app.config) | {"RATELIMIT_ENABLED": True})
    # The extension is one for every application.
    limiter.enabled = False
