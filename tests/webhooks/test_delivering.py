"""Each change arrives, signed, in order for each contact, whatever the receiver does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from cadence_app.extensions import db, rq
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.webhooks import delivering, jobs, outbox, signing
from tests.api.conftest import make_api
from tests.queues import waits
from tests.webhooks.receiving import (
    Receiver,
    Taken,
    add_endpoint,
    changes_of,
    deliver,
    deliveries,
    let_time_pass,
    receiver,
    set_status,
    take_all,
)
from tests.world import World, new_number


def _refusing(contact_id: int) -> Callable[[Taken], tuple[int, bytes]]:
    """An answer that refuses what is about one contact."""
    return lambda taken: (500, b"broken") if taken.contact_id == contact_id else (204, b"")


def test_signatures_are_those_of_the_specifications_example() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}'
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signing.signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, [secret])
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_change_arrives_as_the_api_shows_it_and_its_signature_verifies(
    world: World, here: Receiver
) -> None:
    endpoint_id, secret = add_endpoint(world, here.url)
    world.text(new_number(), "STOP")
    deliver(world, endpoint_id)
    (taken,) = here.taken
    (item,) = make_api(world).get("/changes").get_json()["items"]
    assert taken.event == {"type": "consent.changed", "timestamp": item["changed_at"], "data": item}
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["webhook-id"] == f"chg_{item['id']}"
    Webhook(secret).verify(taken.body, taken.headers)
    # The same by hand, so that one library does not vouch for itself.
    signed = f"{taken.headers['webhook-id']}.{taken.headers['webhook-timestamp']}.".encode() + taken.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert taken.headers["webhook-signature"] == f"v1,{expected}"
    flipped = taken.body.replace(b"opted_out", b"opted_ouu")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(flipped, taken.headers)


def test_the_events_of_a_contact_come_in_order_and_a_failing_one_holds_up_nobody_else(
    world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    stuck, free = world.add_contact(), world.add_contact()
    stuck_ids, free_ids = changes_of(world, stuck, 3), changes_of(world, free, 3)
    here.answer = _refusing(stuck)
    deliver(world, endpoint_id)
    assert [taken.change_id for taken in here.taken if taken.contact_id == free] == free_ids
    assert [taken.change_id for taken in here.taken if taken.contact_id == stuck] == stuck_ids[:1]
    # Not before its time.
    deliver(world, endpoint_id)
    assert len(here.taken) == 4
    first, second, _ = (row for row in deliveries(world, endpoint_id) if row.contact_id == stuck)
    assert (first.state, first.attempts, second.attempts) == ("pending", 1, 0)
    assert (first.tries[0].status, first.tries[0].response) == (500, "broken")
    here.answer = take_all
    let_time_pass(world, endpoint_id)
    deliver(world, endpoint_id)
    ids = [taken.headers["webhook-id"] for taken in here.taken if taken.contact_id == stuck]
    assert ids == [f"chg_{change_id}" for change_id in [stuck_ids[0], *stuck_ids]]
    assert {row.state for row in deliveries(world, endpoint_id)} == {"delivered"}


def test_after_the_last_try_it_has_failed_and_the_contacts_later_events_go_on(
    world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    first, second = changes_of(world, world.add_contact(), 2)
    here.answer = lambda taken: (500, b"") if taken.change_id == first else (204, b"")
    waits = []
    for _ in range(len(delivering.RETRY_AFTER)):
        deliver(world, endpoint_id)
        row = deliveries(world, endpoint_id)[0]
        waits.append((row.next_attempt_at - row.tries[0].at).total_seconds())
        let_time_pass(world, endpoint_id)
    usual = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert all(0.9 * want <= wait <= 1.1 * want + 2 for wait, want in zip(waits, usual, strict=True))
    assert here.change_ids == [first] * 9
    deliver(world, endpoint_id)
    assert here.change_ids == [first] * 10 + [second]
    assert [row.state for row in deliveries(world, endpoint_id)] == ["failed", "delivered"]


def test_concurrent_dispatchers_miss_nothing_and_make_nothing_twice_while_many_write(
    world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    contacts = [world.add_contact() for _ in range(8)]
    done = threading.Event()

    def take() -> None:
        with world.session():
            while not done.is_set():
                outbox.take_changes(endpoint_id)

    def send() -> None:
        while not done.is_set():
            deliver(world, endpoint_id)

    writers = [threading.Thread(target=changes_of, args=(world, contact, 6)) for contact in contacts]
    readers = [threading.Thread(target=work) for work in (take, take, send, send)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    _until_all_delivered(world, endpoint_id, 48)
    for contact in contacts:
        expected = [row.id for row in world.history(contact)]
        assert len(expected) == 6
        assert [taken.change_id for taken in here.taken if taken.contact_id == contact] == expected
    assert len(here.taken) == 48


def test_a_worker_killed_before_it_noted_the_answer_sends_again_with_the_same_id(
    world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    set_status(world, world.add_contact())
    came, go = threading.Event(), threading.Event()

    def hold(taken: Taken) -> tuple[int, bytes]:
        came.set()
        go.wait(10)
        return 204, b""

    here.answer = hold
    pid = os.fork()
    if pid == 0:
        with world.app.app_context():
            db.engine.dispose(close=False)
        deliver(world, endpoint_id)
        os._exit(0)
    assert came.wait(10)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    here.answer = take_all
    go.set()
    _until_delivered(world, endpoint_id)
    first, second = (taken.headers["webhook-id"] for taken in here.taken)
    assert first == second
    (row,) = deliveries(world, endpoint_id)
    assert (row.state, len(row.tries)) == ("delivered", 1)


def _until_all_delivered(world: World, endpoint_id: int, count: int) -> None:
    """A try that a busy machine was too slow for is due again some seconds later."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        deliver(world, endpoint_id)
        if [row.state for row in deliveries(world, endpoint_id)] == ["delivered"] * count:
            return
        time.sleep(0.2)


def _until_delivered(world: World, endpoint_id: int) -> None:
    """PostgreSQL needs a moment to see that a killed worker's connection, and with it its lock, is gone."""
    for _ in range(100):
        deliver(world, endpoint_id)
        if deliveries(world, endpoint_id)[0].state == "delivered":
            return
        time.sleep(0.05)
    raise AssertionError("it was not delivered")


def test_a_commit_wakes_the_worker_and_the_sweep_finds_what_was_lost(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    with world.app.app_context():
        queue = rq.get_queue("webhooks")
        queue.empty()
        set_status(world, world.add_contact())
        set_status(world, world.add_contact())
        assert waits("webhooks", f"webhooks-{endpoint_id}") == 1
        queue.empty()
        jobs.sweep_webhooks()
        assert waits("webhooks", f"webhooks-{endpoint_id}") == 1
        rq.make_worker(["webhooks"]).work(burst=True)
    assert len(here.taken) == 2
    with world.app.app_context():
        jobs.sweep_webhooks()
        assert waits("webhooks", f"webhooks-{endpoint_id}") == 0


def test_a_redirect_is_not_followed(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    with receiver() as elsewhere:
        here.answer, here.location = (lambda _: (307, b"")), elsewhere.url
        set_status(world, world.add_contact())
        deliver(world, endpoint_id)
        assert elsewhere.taken == []
    (row,) = deliveries(world, endpoint_id)
    assert row.tries[0].error.startswith("Answered 307. Redirects are not followed")


def test_a_receiver_that_hangs_or_is_not_there_is_told_in_words_and_holds_up_no_other(
    world: World, here: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly = replace(POLICIES[Kind.WEBHOOK], seconds=1)
    monkeypatch.setitem(POLICIES, Kind.WEBHOOK, quickly)
    slow_id, _ = add_endpoint(world, here.url)
    with receiver() as quick:
        quick_id, _ = add_endpoint(world, quick.url)
        change_id = set_status(world, world.add_contact())
        came, done = threading.Event(), threading.Event()

        def hang(_: Taken) -> tuple[int, bytes]:
            came.set()
            done.wait(10)
            return 204, b""

        here.answer = hang
        thread = threading.Thread(target=deliver, args=(world, slow_id))
        thread.start()
        assert came.wait(10)
        deliver(world, quick_id)
        assert quick.change_ids == [change_id]
        thread.join()
        done.set()
    assert deliveries(world, slow_id)[0].tries[0].error == "No whole answer within 15 seconds."
    let_time_pass(world, quick_id)
    set_status(world, world.add_contact())
    deliver(world, quick_id)
    assert deliveries(world, quick_id)[1].tries[0].error.startswith("No connection")


def test_only_the_first_kilobyte_of_an_answer_is_kept(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    set_status(world, world.add_contact())
    here.answer = lambda _: (200, b"\x00" + b"x" * 100_000)
    deliver(world, endpoint_id)
    (row,) = deliveries(world, endpoint_id)
    assert (row.state, len(row.tries[0].response), row.tries[0].response[:2]) == (
        "delivered",
        1024,
        "\ufffdx",
    )
