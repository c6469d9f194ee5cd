"""No parameter of a screen is a crash, on the Legacy screens."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.requests.fuzzing import crashes


@pytest.mark.sized
def test_no_parameter_of_a_legacy_screen_is_a_crash(app: Flask) -> None:
    assert crashes(app, "legacy") == []
