"""A call that is made again with its key: done once, answered alike."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from cadence_app.api import idempotency, jobs
from cadence_app.api.models import IdempotencyKey
from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db
from tests.api.conftest import Api, consent_record, make_api, problem
from tests.world import new_number


def test_the_same_key_gets_the_first_answer_and_does_nothing_twice(api: Api) -> None:
    contact_id = api.world.add_contact()
    body = {"records": [consent_record(contact_id, "opted_out")]}
    first = api.post("/consents/bulk", json=body, key="import-1")
    api.set(contact_id, "opted_in")
    again = api.post("/consents/bulk", json=body, key="import-1")
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.world.status(contact_id) == "opted_in"
    body["records"][0]["status"] = "opted_in"
    assert problem(api.post("/consents/bulk", json=body, key="import-1")) == (409, "key_used")
    other_path = f"/contacts/{contact_id}/consents/ADM"
    other = api.put(other_path, json={"status": "opted_in"}, key="import-1")
    assert problem(other) == (409, "key_used")


def test_a_key_belongs_to_one_token(api: Api) -> None:
    contact_id, other = api.world.add_contact(), make_api(api.world)
    path = f"/contacts/{contact_id}/consents/ADM"
    assert api.put(path, json={"status": "opted_out"}, key="1").get_json()["result"] == "changed"
    assert other.put(path, json={"status": "opted_out"}, key="1").get_json()["result"] == "unchanged"


def test_a_refused_call_has_not_used_its_key(api: Api) -> None:
    number = new_number()
    api.world.text(number, "STOP")
    path = f"/contacts/{api.world.contact_id(number)}/consents/ADM"
    assert problem(api.put(path, json={"status": "opted_in"}, key="k"))[0] == 409
    assert api.put(path, json={"status": "opted_in", "reason": "Form."}, key="k").status_code == 200


@pytest.mark.parametrize("key", ["x" * 201, "with space", "é"])
def test_a_key_that_can_not_be_kept_is_refused(api: Api, key: str) -> None:
    answer = api.put("/contacts/1/consents/ADM", json={"status": "opted_in"}, key=key)
    assert problem(answer) == (422, "invalid")
    assert answer.get_json()["errors"][0]["parameter"] == "Idempotency-Key"


def test_of_two_calls_at_once_with_one_key_one_acts_and_both_get_its_answer(api: Api) -> None:
    contacts = [api.world.add_contact() for _ in range(50)]
    body = {"records": [consent_record(contact_id, "opted_out") for contact_id in contacts]}
    answers: list[tuple[int, str]] = []
    barrier = threading.Barrier(4)

    def send() -> None:
        barrier.wait()
        answer = api.post("/consents/bulk", json=body, key="at-once")
        answers.append((answer.status_code, answer.text))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    with api.world.session():
        assert db.session.scalar(select(func.count()).select_from(OptOutChange)) == 50


def test_a_call_whose_key_is_busy_too_long_is_409(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_WAIT", "50ms")
    contact_id = api.world.add_contact()
    with api.world.session():
        db.session.add(
            IdempotencyKey(tenant_id=api.world.tenant_id, token_id=api.token_id, key="busy", request_hash=b"")
        )
        db.session.flush()
        answer: list[Any] = []
        path = f"/contacts/{contact_id}/consents/ADM"
        call = threading.Thread(
            target=lambda: answer.append(api.put(path, json={"status": "opted_in"}, key="busy"))
        )
        call.start()
        call.join()
        db.session.rollback()
    assert problem(answer[0]) == (409, "key_in_use")
    assert api.world.status(contact_id) is None


def test_keys_are_forgotten_after_a_day(api: Api) -> None:
    contact_id = api.world.add_contact()
    path = f"/contacts/{contact_id}/consents/ADM"
    for key in ("old", "new"):
        api.put(path, json={"status": "opted_out"}, key=key)
    with api.world.session():
        old = db.session.get_one(IdempotencyKey, (api.token_id, "old"))
        old.created_at -= idempotency.KEPT
        db.session.commit()
        jobs.sweep_idempotency_keys()
    with api.world.session():
        kept = db.session.scalars(select(IdempotencyKey.key)).all()
    assert kept == ["new"]
    again = api.put(path, json={"status": "opted_in"}, key="old")
    assert again.get_json()["result"] == "changed"
