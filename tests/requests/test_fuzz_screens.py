"""No parameter of a screen is a crash, on the Teams screens.

test_fuzz_legacy_screens.py tries the others: each file is one worker's, so the two are tried at a time.
"""

from __future__ import annotations

import pytest
from flask import Flask

from tests.requests.fuzzing import crashes


@pytest.mark.sized
def test_no_parameter_of_a_screen_is_a_crash(app: Flask) -> None:
    assert crashes(app, "teams") == []
