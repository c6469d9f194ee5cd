"""What tests of a new text share: who it may go to, the form as it is sent, and what is there afterwards."""

from __future__ import annotations

import html
import re
from typing import Any

from sqlalchemy import func, select

from cadence_app.consent.evidence_models import Evidence
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Conversation, Message
from tests.records.people import IN, opt
from tests.world import Browser, World

HTMX = {"HX-Request": "true"}


def inbox_id(world: World, number: str) -> int:
    with world.session():
        return db.session.scalars(select(Inbox.id).where(Inbox.number == number)).one()


def person(world: World, number: str | None = None, **names: str) -> int:
    """Somebody who is opted in to the first team, with whom nobody has talked."""
    contact_id = world.add_contact(number, **names)
    opt(world, contact_id, IN)
    return contact_id


def counts(world: World) -> tuple[int, int, int]:
    """How many contacts, conversations and texts the tenant has."""
    with world.session():
        tables = (Contact, Conversation, Message)
        return tuple(db.session.scalars(select(func.count()).select_from(each)).one() for each in tables)  # type: ignore[return-value]


def conversations_of(world: World, contact_id: int) -> list[int]:
    with world.session():
        query = select(Conversation.id).where(Conversation.contact_id == contact_id)
        return list(db.session.scalars(query.order_by(Conversation.id)))


def post(browser: Browser, **data: Any) -> Any:
    return browser.post("/messages/new", data)


def once_of(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


def options_of(page: str) -> list[str]:
    """What the inboxes to choose from are called, in order; the chosen one with a star."""
    # The list beside it has a choice of colleagues.
    page = page[page.index('id="new-text"') :]
    chosen = re.findall(r'<option value="\d+"( selected)?>([^<]+)</option>', page)
    return [("*" if star else "") + html.unescape(words).split(",")[0] for star, words in chosen]


def newcomer(world: World, number: str | list[str], **more: Any) -> dict[str, Any]:
    names = {"first_name": "Noor", "last_name": "Haddad", "body": "Welcome to the college"}
    return {"number": number, "from": inbox_id(world, world.shared), "once": "x"} | names | more


def evidence_of(world: World, contact_id: int) -> list[tuple[str, str, str]]:
    with world.session():
        rows = db.session.scalars(select(Evidence).where(Evidence.contact_id == contact_id)).all()
        return [(row.way, row.method, row.words) for row in rows]
