"""Proof that a program sends, and what is on file of it."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from cadence_app.consent import evidence
from cadence_app.consent.evidence_models import Evidence
from cadence_app.extensions import db
from tests.api.conftest import Api

FULL: dict[str, Any] = {
    "method": "web_form",
    "agreed_at": "2026-03-04T01:30:00Z",
    "words": " Yes, text me about my application. ",
    "page_url": "https://college.example/apply?step=3",
    "sha256": "AB" * 32,
    "ip": "2001:DB8::7",
    "collected_by": "Application portal",
}
PAPER = {"method": "paper", "agreed_on": "2026-02-11"}


def opt_in(api: Api, contact_id: int, proof: Any, **more: Any) -> TestResponse:
    body = {"status": "opted_in", "proof": proof} | more
    return api.put(f"/contacts/{contact_id}/consents/ADM", json=body)


def bulk(api: Api, *records: dict[str, Any]) -> list[dict[str, Any]]:
    answer = api.post("/consents/bulk", json={"records": list(records)})
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["results"])


def rows_of(api: Api, contact_id: int) -> list[Evidence]:
    with api.world.session():
        rows = evidence.evidence_of(contact_id)
        db.session.expunge_all()
        return rows


def read(api: Api, contact_id: int) -> dict[str, Any]:
    (item,) = api.get(f"/contacts/{contact_id}/consents").get_json()["items"]
    return dict(item)
