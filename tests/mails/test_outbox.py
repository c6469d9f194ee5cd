"""A mail is in the outbox exactly if its change is, and goes until it has gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import func, update

from cadence_app.extensions import db, rq
from cadence_app.mails import service
from cadence_app.mails.jobs import send_mail, sweep_mails, sweep_old_mails
from cadence_app.mails.models import OutgoingMail
from tests.accounts.arriving import mails_to, outbox, said
from tests.conftest import free_port
from tests.queues import lose, waits
from tests.smtp import KnowingNobody, mail_goes_to
from tests.world import World, new_number


def _address() -> str:
    return f"maya{new_number()[1:]}@college.example"


def _put(world: World, address: str, **options: Any) -> int:
    with world.session():
        mail = service.enqueue("test", address, "Hello\nthere", "The text", "<p>The HTML</p>", **options)
        db.session.commit()
        return mail.id


def _send(world: World, mail_id: int) -> OutgoingMail:
    with world.app.app_context():
        send_mail(world.tenant_id, mail_id)
    return outbox(world)[-1]


def test_a_mail_arrives_with_its_headers_and_what_it_said_is_not_kept(world: World) -> None:
    address = _address()
    headers = {"List-Unsubscribe": "<https://college.example/u>"}
    mail_id = _put(world, address, name="Maya Chén", headers=headers)
    waiting = outbox(world)[-1]
    assert "text" not in waiting.text.lower()[:20]
    assert "HTML" not in waiting.html
    sent = _send(world, mail_id)
    assert sent.sent_at
    assert (sent.text, sent.html, sent.problem, sent.next_attempt_at) == ("", "", "", None)
    (mail,) = mails_to(world.app, address)
    assert mail["Subject"] == "Hello there"
    assert "Maya Chén" in str(mail["To"])
    assert mail["List-Unsubscribe"] == "<https://college.example/u>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert said(mail).strip() == "The text"
    _send(world, mail_id)
    assert len(mails_to(world.app, address)) == 1


def test_a_mail_goes_only_if_its_transaction_commits(world: World) -> None:
    with world.session():
        service.enqueue("test", _address(), "Hello", "Text", "<p>Text</p>")
        db.session.rollback()
        db.session.commit()
    assert outbox(world) == []


def test_a_commit_queues_the_mail_and_the_sweep_queues_it_again_when_it_was_lost(world: World) -> None:
    mail_id = _put(world, _address())
    with world.app.app_context():
        assert waits("mails", f"mail-{mail_id}") == 1
        lose("mails", f"mail-{mail_id}")
        sweep_mails()
        assert waits("mails", f"mail-{mail_id}") == 0
        with world.session():
            late = func.now() - timedelta(seconds=16)
            db.session.execute(update(OutgoingMail).values(next_attempt_at=late))
            db.session.commit()
        sweep_mails()
        sweep_mails()
        assert waits("mails", f"mail-{mail_id}") == 1


def test_without_redis_the_mail_is_recorded_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.app.app_context():
        monkeypatch.setattr(
            rq.get_queue("mails"), "connection", Redis(port=free_port(), retry=Retry(NoBackoff(), 0))
        )
    mail_id = _put(world, _address())
    assert _send(world, mail_id).sent_at


def test_a_mail_server_that_is_away_delays_a_mail_and_does_not_lose_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = _address()
    mail_id = _put(world, address)
    with monkeypatch.context() as patched:
        patched.setattr(world.app.extensions["mail"], "port", free_port())
        waiting = _send(world, mail_id)
    assert waiting.sent_at is None
    assert "refused" in waiting.problem
    assert waiting.next_attempt_at
    assert waiting.text
    with world.session():
        db.session.execute(update(OutgoingMail).values(next_attempt_at=func.now()))
        db.session.commit()
    assert _send(world, mail_id).sent_at
    assert len(mails_to(world.app, address)) == 1


def test_a_mail_that_another_worker_has_is_left_to_it_until_it_must_be_dead(world: World) -> None:
    address = _address()
    mail_id = _put(world, address)
    with world.session():
        kept = func.now() + timedelta(minutes=5)
        db.session.execute(update(OutgoingMail).values(next_attempt_at=kept, attempts=1))
        db.session.commit()
    assert _send(world, mail_id).sent_at is None
    assert mails_to(world.app, address) == []


def test_a_mail_that_is_refused_for_good_is_given_up_and_says_why(world: World) -> None:
    mail_id = _put(world, _address())
    with mail_goes_to(world.app, KnowingNobody()):
        given_up = _send(world, mail_id)
    assert given_up.sent_at is None
    assert given_up.next_attempt_at is None
    assert "no such user" in given_up.problem
    assert given_up.text == ""


def test_a_mail_that_is_of_no_use_any_more_is_not_sent(world: World) -> None:
    address = _address()
    mail_id = _put(world, address, useless_after=datetime.now(UTC) - timedelta(seconds=1))
    assert _send(world, mail_id).sent_at is None
    with world.app.app_context():
        sweep_mails()
    given_up = outbox(world)[-1]
    assert given_up.next_attempt_at is None
    assert given_up.problem == "It could not be sent while it was of use."
    assert mails_to(world.app, address) == []


def test_a_mail_of_another_tenant_is_not_seen(world: World, legacy_world: World) -> None:
    mail_id = _put(world, _address())
    with legacy_world.app.app_context():
        send_mail(legacy_world.tenant_id, mail_id)
    assert outbox(legacy_world) == []
    assert outbox(world)[-1].attempts == 0


def test_a_mail_of_long_ago_goes_unless_it_waits_still(world: World) -> None:
    old, lately, waiting = (_put(world, _address()) for _ in range(3))
    for mail_id in (old, lately):
        _send(world, mail_id)
    with world.session():
        long_ago = update(OutgoingMail).where(OutgoingMail.id.in_([old, waiting]))
        db.session.execute(long_ago.values(created_at=datetime.now(UTC) - timedelta(days=91)))
        db.session.commit()
        sweep_old_mails()
    assert [mail.id for mail in outbox(world)] == [lately, waiting]
