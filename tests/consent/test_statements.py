"""How much the database is asked for one text: for a stop at most half of what it was when each rule read for
itself."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, Tenant
from cadence_app.consent.keywords import Meaning
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.inbound import CarrierSays, receive_text
from tests.statements import statements
from tests.world import World, new_number


def texted(world: World, number: str, body: str, inbox: str = "shared", acted: bool = False) -> int:
    """How many statements a text takes."""
    said = CarrierSays()
    if acted:
        with world.session():
            of_team = select(Inbox.id).where(Inbox.team_id == world.team_id)
            said = CarrierSays(Meaning.OUT, inbox_ids=tuple(db.session.scalars(of_team)))
    with world.app.app_context(), statements(world) as seen:
        receive_text(getattr(world, inbox), number, body, str(uuid.uuid4()), datetime.now(UTC), carrier=said)
    return len(seen)


def known(world: World, *said: str) -> str:
    """Somebody in both teams, who has said this."""
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hello", inbox)
    for body in said:
        world.text(number, body)
    return number


@pytest.mark.parametrize(
    ("said", "body", "inbox", "acted", "most"),
    [
        ((), "see you at nine", "shared", False, 14),
        ((), "STOP", "shared", False, 20),
        (("STOP",), "STOP", "shared", False, 16),
        ((), "STOP", "personal", False, 21),
        ((), "STOPALL", "shared", False, 21),
        ((), "STOP", "toll_free", False, 22),
        ((), "STOP", "shared", True, 22),
        ((), "STOP AID", "shared", False, 28),
        (("please stop texting me",), "STOP", "shared", False, 27),
        (("STOP",), "START", "shared", False, 21),
        ((), "START", "shared", False, 13),
        ((), "HELP", "shared", False, 15),
        ((), "please stop texting me", "shared", False, 14),
    ],
)
def test_a_text_of_somebody_known_takes_few_statements(
    world: World, said: tuple[str, ...], body: str, inbox: str, acted: bool, most: int
) -> None:
    assert texted(world, known(world, *said), body, inbox, acted) <= most


@pytest.mark.parametrize(("body", "most"), [("hello there", 21), ("STOP", 23)])
def test_a_first_text_takes_few_statements(world: World, body: str, most: int) -> None:
    assert texted(world, new_number(), body) <= most


def test_where_any_keyword_counts_everywhere_and_the_confirmation_asks_it_takes_few_statements(
    world: World,
) -> None:
    chosen = {"keyword_policy": KeywordPolicy.ORGANISATION, "ask_team_only": True}
    with world.session():
        chosen["possible_opt_out_policy"] = PossibleOptOutPolicy.OPT_OUT
        db.session.execute(update(Tenant).where(Tenant.id == world.tenant_id).values(**chosen))
        db.session.commit()
    assert texted(world, known(world), "STOP") <= 25
    assert texted(world, known(world), "please stop texting me") <= 20
    assert texted(world, known(world, "STOP"), "TEAM") <= 25


def test_a_stop_of_every_team_takes_no_more_statements_the_more_teams_there_are(world: World) -> None:
    number, other = new_number(), known(world)
    world.text(number, "hello")
    assert texted(world, number, "STOPALL") == texted(world, other, "STOPALL")
