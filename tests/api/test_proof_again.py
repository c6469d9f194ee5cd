"""Proof that is sent again, by whichever call and by two at once: each is one row."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from cadence_app.consent.evidence_models import Evidence
from cadence_app.extensions import db
from tests import sizes
from tests.api.conftest import Api, consent_record
from tests.api.proving import FULL, PAPER, bulk, opt_in, read, rows_of
from tests.statements import statements
from tests.world import new_number

_PROOFS = st.sampled_from(
    [
        {"method": "paper", "agreed_on": "2026-02-11"},
        {"method": "paper", "agreed_on": "2026-02-12"},
        {"agreed_at": "2026-02-11T12:00:00Z"},
        {"agreed_at": "2026-02-11T07:00:00-05:00"},
        {"words": "Yes"},
        {"words": " Yes "},
        {"sha256": "ab" * 32},
        {"sha256": "AB" * 32},
        {"ip": "203.0.113.7"},
        {"ip": "2001:db8:0:0::7"},
        {"ip": "2001:db8::7"},
        FULL,
    ]
)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(4, 40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(_PROOFS, st.sampled_from(["put", "post", "bulk"])), min_size=1, max_size=5))
def test_however_often_and_by_whichever_call_proof_is_sent_each_is_one_row(
    api: Api, sent: list[tuple[dict[str, Any], str]]
) -> None:
    number = new_number()
    contact_id = api.world.add_contact(number)
    api.set(contact_id, "opted_in")
    for proof, way in [*sent, *sent]:
        if way == "put":
            assert opt_in(api, contact_id, proof).status_code == 200
        elif way == "post":
            body = {"number": number, "team": "ADM", "proof": proof}
            assert api.post("/contacts", json=body).status_code == 200
        else:
            twice = [consent_record(contact_id, "opted_in", proof=proof)] * 2
            assert [each["code"] for each in bulk(api, *twice)] == [None, "duplicate"]
    said = {_meant(proof) for proof, _ in sent}
    assert len(rows_of(api, contact_id)) == len(said)
    assert all(each["rests_on"] for each in read(api, contact_id)["evidence"])


def _meant(proof: dict[str, Any]) -> tuple[Any, ...]:
    """What a proof says, however it is written."""
    at = proof.get("agreed_at")
    return (
        *(proof.get("method", "api"), proof.get("agreed_on"), at and datetime.fromisoformat(at)),
        *(proof.get("words", "").strip(), proof.get("page_url"), proof.get("sha256", "").lower()),
        *(proof.get("ip", "").lower().replace(":0:0::", "::"), proof.get("collected_by")),
    )


def test_a_call_that_is_sent_again_with_its_key_gets_the_first_answer(api: Api) -> None:
    contact_id = api.world.add_contact()
    body = {"status": "opted_in", "proof": PAPER}
    first, again = (
        api.put(f"/contacts/{contact_id}/consents/ADM", json=body, key="the-same-call") for _ in range(2)
    )
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(rows_of(api, contact_id)) == 1


def test_of_two_calls_at_once_the_second_knows_what_the_first_recorded(api: Api) -> None:
    contact_id, told = api.world.add_contact(), []
    calls = [
        threading.Thread(target=lambda: told.append(opt_in(api, contact_id, PAPER).get_json()["proof"]))
        for _ in range(3)
    ]
    for each in calls:
        each.start()
    for each in calls:
        each.join()
    assert sorted(told) == ["known", "known", "recorded"]


def test_many_with_proof_take_as_many_statements_as_few(api: Api) -> None:
    bulk(api, consent_record(api.world.add_contact(), "opted_in", proof=PAPER))
    counts = []
    for many in (2, 40):
        ids = [api.world.add_contact() for _ in range(many)]
        with statements(api.world) as seen:
            bulk(api, *(consent_record(each, "opted_in", proof=PAPER) for each in ids))
        counts.append(len(seen))
        with api.world.session():
            wanted = select(func.count()).select_from(Evidence).where(Evidence.contact_id.in_(ids))
            assert db.session.scalar(wanted) == many
    assert counts[0] == counts[1]
