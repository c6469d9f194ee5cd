"""What an endpoint gets, and when it is paused, turned off, left in peace or given a new secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from cadence_app.accounts.models import AuditEntry
from cadence_app.consent.models import OptOutChange, Source, Status
from cadence_app.extensions import db, rq
from cadence_app.webhooks import delivering, jobs, service
from cadence_app.webhooks.models import WebhookDelivery
from tests.records.people import text_at
from tests.reports.exporting import mails_to
from tests.webhooks.receiving import (
    Receiver,
    add_endpoint,
    changes_of,
    deliver,
    deliveries,
    endpoint_row,
    let_time_pass,
    set_endpoint,
    set_status,
    take_all,
)
from tests.world import World, new_number


def test_an_endpoint_gets_only_what_fits_its_filters_from_when_it_was_added(
    world: World, here: Receiver
) -> None:
    contact_id = world.add_contact()
    set_status(world, contact_id, Status.OPTED_IN)
    endpoint_id, _ = add_endpoint(world, here.url, (Source.IMPORT, Source.API), (world.team_id,))
    imported = set_status(world, contact_id, Status.OPTED_OUT, Source.IMPORT)
    set_status(world, contact_id, Status.OPTED_IN, Source.TOGGLE)
    set_status(world, contact_id, Status.OPTED_OUT, Source.API, world.other_team_id)
    by_api = set_status(world, contact_id, Status.OPTED_OUT, Source.API)
    deliver(world, endpoint_id)
    assert here.change_ids == [imported, by_api]


def test_a_changed_number_is_told_with_the_old_one(world: World, here: Receiver) -> None:
    old = new_number()
    contact_id = world.add_contact(old)
    set_status(world, contact_id, Status.OPTED_IN)
    endpoint_id, _ = add_endpoint(world, here.url, (Source.NUMBER_CHANGE,))
    text_at(world, contact_id, new_number())
    deliver(world, endpoint_id)
    (told,) = here.taken
    data = json.loads(told.body)["data"]
    assert (data["status"], data["source"], data["number"]) == ("opted_out", "number_change", old)


def test_a_paused_endpoint_gets_nothing_and_goes_on_where_it_stopped(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    set_endpoint(world, endpoint_id, paused_at=datetime.now(UTC))
    change_ids = changes_of(world, world.add_contact(), 3)
    deliver(world, endpoint_id)
    assert here.taken == []
    set_endpoint(world, endpoint_id, paused_at=None)
    deliver(world, endpoint_id)
    assert here.change_ids == change_ids


def test_410_turns_the_endpoint_off_and_the_admins_get_a_mail(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    set_status(world, world.add_contact())
    here.answer = lambda _: (410, b"")
    deliver(world, endpoint_id)
    assert endpoint_row(world, endpoint_id).off_reason == delivering.GONE
    with world.app.app_context():
        jobs.sweep_webhook_notices()
        rq.make_worker(["webhooks"]).work(burst=True)
        jobs.sweep_webhook_notices()
        rq.make_worker(["webhooks"]).work(burst=True)
    (mail,) = mails_to(world)
    assert "410 Gone" in mail.get_content()
    assert here.url not in mail.get_content()
    with world.session():
        (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "webhook.turned_off"))
        assert entry.user_name == "Cadence, by itself"
    here.answer = take_all
    set_endpoint(world, endpoint_id, off_at=None)
    let_time_pass(world, endpoint_id)
    deliver(world, endpoint_id)
    assert [row.state for row in deliveries(world, endpoint_id)] == ["delivered"]


def test_days_of_failure_turn_the_endpoint_off_and_one_success_ends_the_count(
    world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    here.answer = lambda _: (503, b"")
    set_status(world, world.add_contact())
    deliver(world, endpoint_id)
    assert endpoint_row(world, endpoint_id).failing_since
    here.answer = take_all
    let_time_pass(world, endpoint_id)
    deliver(world, endpoint_id)
    assert endpoint_row(world, endpoint_id).failing_since is None
    here.answer = lambda _: (503, b"")
    set_status(world, world.add_contact())
    set_endpoint(world, endpoint_id, failing_since=datetime.now(UTC) - timedelta(days=5, minutes=1))
    deliver(world, endpoint_id)
    assert endpoint_row(world, endpoint_id).off_reason.startswith("Nothing has reached it for 5 days.")


def test_a_receiver_that_is_down_is_not_flooded(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    for _ in range(40):
        set_status(world, world.add_contact())
    here.answer = lambda _: (503, b"")
    deliver(world, endpoint_id)
    deliver(world, endpoint_id)
    assert len(here.taken) == 32
    here.answer = take_all
    set_endpoint(world, endpoint_id, quiet_until=None)
    let_time_pass(world, endpoint_id)
    deliver(world, endpoint_id)
    assert {row.state for row in deliveries(world, endpoint_id)} == {"delivered"}
    assert len(deliveries(world, endpoint_id)) == 40


def test_while_a_secret_is_rolled_both_sign_and_later_only_the_new_one(world: World, here: Receiver) -> None:
    endpoint_id, old = add_endpoint(world, here.url)
    with world.session():
        endpoint = service.find_endpoint(endpoint_id)
        assert endpoint
        new = service.roll_secret(endpoint.created_by, endpoint, overlap=True)
    changes_of(world, world.add_contact(), 1)
    deliver(world, endpoint_id)
    for secret in (old, new):
        Webhook(secret).verify(here.taken[0].body, here.taken[0].headers)
    set_endpoint(world, endpoint_id, former_until=datetime.now(UTC) - timedelta(seconds=1))
    changes_of(world, world.add_contact(), 1)
    deliver(world, endpoint_id)
    Webhook(new).verify(here.taken[1].body, here.taken[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(here.taken[1].body, here.taken[1].headers)


def test_a_secret_that_another_key_encrypted_turns_the_endpoint_off(
    world: World, here: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    set_status(world, world.add_contact())
    monkeypatch.setitem(world.app.config, "SECRET_KEY", "another")
    deliver(world, endpoint_id)
    assert endpoint_row(world, endpoint_id).off_reason == delivering.UNREADABLE
    assert here.taken == []


def test_one_tenants_changes_never_reach_anothers_endpoint(
    world: World, legacy_world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    set_status(legacy_world, legacy_world.add_contact())
    mine = set_status(world, world.add_contact())
    deliver(world, endpoint_id)
    # Nor does a job that names the wrong tenant find the endpoint.
    deliver(legacy_world, endpoint_id)
    assert here.change_ids == [mine]
    with legacy_world.session():
        assert db.session.scalars(select(WebhookDelivery)).all() == []
        assert len(db.session.scalars(select(OptOutChange)).all()) == 1
