from __future__ import annotations

import uuid
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


@pytest.fixture
def ip() -> str:
    """An address of a network that no other test has."""
    return f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"
