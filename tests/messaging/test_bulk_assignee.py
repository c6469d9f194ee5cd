"""Who many conversations are given to is a user of the same organization, or the press is no good: the answer
tells nobody which ids there are elsewhere."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.world import World, make_world, new_number


@pytest.mark.parametrize("whose", ["nobody", "another organization"])
def test_an_id_of_nobody_here_is_refused(app: Flask, world: World, whose: str) -> None:
    talk = world.text(new_number(), "hi").conversation_id
    strange = 999999999999 if whose == "nobody" else make_world(app, "teams").agent_id
    form = {"action": "assign", "c": f"{talk}:1", "assignee": str(strange)}
    assert world.sign_in("agent").post("/messages/bulk", form).status_code == 400
