"""An open page asks whatever happens to Redis, and whatever it asks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation
from tests.conftest import ROOT
from tests.messaging.live import address, listed
from tests.world import World, new_number

# A page that asks for news, while Redis takes calls and never answers.
_ASK = """
import sys, time, wsgi
from cadence_app.accounts import sessions
from cadence_app.accounts.models import User
from cadence_app.accounts.sign_in_models import Method
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant
from tests.messaging.live import OpenPage
from tests.world import Browser
with wsgi.app.app_context():
    use_tenant(int(sys.argv[1]))
    user = db.session.get_one(User, int(sys.argv[2]))
    key = sessions.begin(user, Method.PASSWORD, sessions.Device("127.0.0.1", "test"))
    db.session.commit()
client = wsgi.app.test_client()
with client.session_transaction() as cookie:
    cookie["sign_in"] = key
page = OpenPage(Browser(client), sys.argv[3])
for ask in (page.ask, page.ask_unseen):
    begun = time.monotonic()
    print(ask().status_code, time.monotonic() - begun < 2)
"""


def test_asking_needs_no_redis(world: World) -> None:
    received = world.text(new_number(), "hi")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        environment = os.environ | {"REDIS_URL": f"redis://127.0.0.1:{deaf.getsockname()[1]}"}
        who = (str(world.tenant_id), str(world.agent_id), address(received.conversation_id))
        asked = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _ASK, *who],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert asked.stdout.splitlines() == ["204 True", "204 True"]


@pytest.mark.parametrize("query", ["", "?lists=x&open=abc&page=-1", "?version=999999999", "?q=%00&only=x"])
def test_a_question_that_makes_no_sense_gets_the_lists(world: World, query: str) -> None:
    received = world.text(new_number(), "hi")
    answer = world.sign_in("agent").get(f"/messages/fresh{query}")
    assert answer.status_code == 200
    assert listed(answer.text) == [received.conversation_id]


def test_nobody_follows_an_inbox_that_is_not_theirs(world: World, legacy_world: World) -> None:
    received = world.text(new_number(), "hi", world.other_shared)
    agent = world.sign_in("agent")
    assert agent.get(f"{address(received.conversation_id)}/fresh?version=").status_code == 404
    with world.session():
        inbox_id = db.session.get_one(Conversation, received.conversation_id).inbox_id
    assert agent.get(f"/messages/fresh?inbox={inbox_id}").status_code == 404
    elsewhere = legacy_world.sign_in("admin")
    assert listed(elsewhere.get("/messages/fresh").text) == []
    assert elsewhere.get(f"{address(received.conversation_id)}/fresh").status_code == 404
