from __future__ import annotations

import pytest

from tests.messaging.team_only import ask
from tests.world import World


@pytest.fixture
def asking(world: World) -> World:
    return ask(world)
