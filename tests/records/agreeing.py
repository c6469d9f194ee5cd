"""How somebody agreed, as a person enters it, and what is kept of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from werkzeug.test import TestResponse

from cadence_app.accounts.models import Tenant
from cadence_app.consent import evidence, evidence_basis
from cadence_app.consent.evidence_models import Evidence
from cadence_app.extensions import db
from tests.world import Browser, World, new_number

AGREED = {
    "method": "web_form",
    "agreed_on": "2026-03-03",
    "words": "Yes, text me about my application.",
    "page_url": "https://lakeside.example/join",
    "collected_by": "Rosa Quill",
}
CHOOSE, SINCE = "Choose how they agreed.", "Say how they have agreed since."


def rows(world: World, contact_id: int) -> list[Evidence]:
    """The evidence of a contact, oldest first, detached."""
    with world.session():
        found = evidence.evidence_of(contact_id)
        for row in found:
            db.session.refresh(row)
        db.session.expunge_all()
        return found


def rests(world: World, contact_id: int) -> int:
    """On how many rows the consent in the first team rests."""
    with world.session():
        return len(evidence_basis.basis_of(contact_id, world.team_id).evidence)


def said(row: Evidence) -> dict[str, str]:
    """A row in the names and words of the form."""
    values = {name: getattr(row, name) for name in AGREED}
    return {name: str(value or "") for name, value in values.items()}


def add(browser: Browser, world: World, **form: Any) -> TestResponse:
    values = {"number": new_number(), "first_name": "Nia", "team_id": world.team_id}
    return browser.post("/contacts/new", values | form)


def added(answer: TestResponse) -> int:
    assert answer.status_code == 302
    return int(answer.location.rsplit("/", 1)[1])


def agreed_at(world: World, contact_id: int, team_id: int | None = None) -> str:
    return f"/contacts/{contact_id}/teams/{team_id or world.team_id}/agreed"


def toggle(browser: Browser, world: World, contact_id: int, **form: Any) -> TestResponse:
    path = f"/contacts/{contact_id}/teams/{world.team_id}/consent"
    return browser.post(path, {"status": "opted_in"} | form)


def stays_typed(answer: TestResponse, problem: str) -> None:
    """What was typed in AGREED, but for the day, stands in the form again beside what is wrong."""
    assert answer.status_code == 422
    assert problem in answer.text
    assert "field-error" in answer.text
    assert AGREED["words"] in answer.text
    assert f'value="{AGREED["collected_by"]}"' in answer.text
    assert f'value="{AGREED["page_url"]}"' in answer.text


def today(world: World) -> date:
    with world.session():
        return datetime.now(db.session.get_one(Tenant, world.tenant_id).zone).date()
