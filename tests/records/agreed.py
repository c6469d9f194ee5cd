"""People who agreed in each of the ways, and what pages and papers say of it."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, date, datetime

from pypdf import PdfReader
from sqlalchemy import create_engine, text

from cadence_app.accounts.models import User
from cadence_app.consent import evidence, first_status
from cadence_app.consent.by_api import Wanted, set_by_api
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from tests.world import Browser, World, new_number

PAPER = Given(Method.PAPER, date(2026, 3, 3), words="Yes, text me about my visit.", collected_by="Ana Ruiz")
IMPORTED = Given(
    Method.WEB_FORM, date(2026, 2, 1), words="I agree.", page_url="https://lakeside.example/join"
)
PROOF = Given(
    *(Method.WEB_FORM, None, datetime(2026, 3, 4, 1, 30, 5, tzinfo=UTC), "Texts about aid? Yes"),
    *("https://aid.lakeside.example/form?id=7", bytes(range(32)), "203.0.113.7", "The aid form"),
)


def on_paper(world: World, given: Given | None = PAPER, team_id: int | None = None) -> int:
    """Somebody whom a user added, with what they signed; or with nothing."""
    contact_id = world.add_contact()
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        first_status.add_by_user(admin, contact_id, team_id or world.team_id, given=given)
        db.session.commit()
    return contact_id


def imported(world: World) -> int:
    """Somebody from a file with columns of evidence."""
    contact_id = world.add_contact()
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        change = Change(contact_id, world.team_id, Status.OPTED_IN, Source.IMPORT, user_id=admin.id)
        record_changes([change])
        evidence.record([(contact_id, world.team_id)], IMPORTED, Way.IMPORT, admin, "spring-fair.csv")
        db.session.commit()
    return contact_id


def by_api(world: World) -> int:
    """Somebody of another system, with its proof."""
    contact_id = world.add_contact()
    with world.session():
        wanted = Wanted(contact_id, world.team_id, Status.OPTED_IN, given=PROOF)
        set_by_api([wanted], "Student system (API)")
        db.session.commit()
    return contact_id


def by_text(world: World, *words: str, inbox: str | None = None) -> int:
    """Somebody who texted first."""
    number = new_number()
    for each in words or ("Hello, when is the open day?",):
        world.text(number, each, inbox)
    return world.contact_id(number)


def write(world: World, contact_id: int, given: Given) -> None:
    """Somebody writes on the record how they agreed."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        evidence.record([(contact_id, world.team_id)], given, Way.RECORD, admin)
        db.session.commit()


def behind(world: World, statement: str, **values: object) -> None:
    """Runs a statement as the superuser, past every trigger."""
    engine = create_engine(world.app.config["SUPERUSER_URL"])
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement), values)
    engine.dispose()


def said(page: str) -> str:
    """What a page says, in one line."""
    inline = re.sub(r"</?bdi>", "", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", inline)))


def both(browser: Browser, contact_id: int) -> tuple[str, str]:
    """What the certificate says on its page and on its paper, how they agreed alone, in one line each."""
    return tuple(  # type: ignore[return-value]
        re.search(r"How they agreed (.*?) Changes: [\d,]+, oldest first", text)[1]  # type: ignore[index]
        for text in whole(browser, contact_id)
    )


def whole(browser: Browser, contact_id: int) -> tuple[str, str]:
    """What the certificate says on its page and on its paper, in one line each."""
    page = browser.get(f"/contacts/{contact_id}/certificate").text
    paper = PdfReader(io.BytesIO(browser.get(f"/contacts/{contact_id}/certificate.pdf").data))
    flat = " ".join(" ".join(sheet.extract_text() for sheet in paper.pages).split())
    return said(page[page.index("<main") :]), flat
