from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from cadence_app.extensions import db
from tests.world import World


@pytest.fixture
def owner(world: World) -> Iterator[Engine]:
    """A superuser, for whom row-level security is no bar."""
    engine = db.create_engine(world.app.config["SUPERUSER_URL"])
    yield engine
    engine.dispose()
