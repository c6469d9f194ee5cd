"""The pages of webhooks: who may open them, what they change, what they say."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from standardwebhooks import Webhook

from cadence_app.accounts.models import AuditEntry
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant
from cadence_app.webhooks import log
from cadence_app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
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
)
from tests.world import World

PATH = "/settings/webhooks"


def _audit(world: World) -> list[tuple[str, dict[str, list[object]]]]:
    with world.session():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action.not_like("user.%")).order_by(AuditEntry.id)
        )
        return [(entry.action, entry.changes) for entry in entries]


def _endpoints(world: World) -> list[WebhookEndpoint]:
    with world.session():
        rows = list(db.session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.id)))
        db.session.expunge_all()
        return rows


def test_an_endpoint_is_added_its_secret_shown_once_and_every_change_is_in_the_audit_log(
    world: World, here: Receiver
) -> None:
    admin = world.sign_in("admin")
    assert "No endpoints yet" in admin.get(PATH).text
    url = f"{here.url}?key=hidden"
    form = {"url": url, "description": "Student records", "sources": ["keyword"], "teams": [world.team_id]}
    page = admin.post(f"{PATH}/new", form).text
    (secret,) = re.findall(r'value="(whsec_[^"]+)"', page)
    (endpoint,) = _endpoints(world)
    assert (endpoint.sources, endpoint.team_ids) == (["keyword"], [world.team_id])
    assert secret not in endpoint.secret
    path = f"{PATH}/{endpoint.id}"
    for each in (PATH, path, f"{path}/edit", f"{path}/roll"):
        assert "whsec_" not in admin.get(each).text
    assert "Keyword" in admin.get(path).text
    admin.post(f"{path}/edit", {"url": here.url, "description": "Records"})
    rolled = admin.post(f"{path}/roll", {"at_once": "y"}).text
    assert secret not in rolled
    assert endpoint_row(world, endpoint.id).former_secret is None
    admin.post(f"{path}/pause")
    assert "Paused" in admin.get(PATH).text
    admin.post(f"{path}/resume")
    assert "Delete Records?" in admin.get(f"{path}/delete").text
    admin.post(f"{path}/delete")
    assert admin.get(path).status_code == 404
    assert "No endpoints yet" in admin.get(PATH).text
    told = _audit(world)
    assert [action for action, _ in told] == [
        "webhook.added",
        "webhook.changed",
        "webhook.secret_rolled",
        "webhook.paused",
        "webhook.resumed",
        "webhook.deleted",
    ]
    assert told[1][1]["teams"] == [["ADM"], "all"]
    assert "hidden" not in str(told)
    assert "whsec_" not in str(told)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"url": ""}, "Give the address"),
        ({"url": "records.example.edu"}, "Write the whole address"),
        ({"url": "ftp://records.example.edu"}, "Write the whole address"),
        ({"url": "http://records.example.edu"}, "must begin with https://"),
        ({"url": "https://user:word@records.example.edu"}, "Leave out user name"),
        ({"url": "https://[::1"}, "This is no address"),
        ({"url": "https://a.example:99999/"}, "This is no address"),
        ({"url": "https://a.example/\x00"}, "does not belong there"),
        ({"url": "https://a.example/" + "x" * 2000}, "longer than 2,000"),
        ({"url": "https://10.0.0.8/hook"}, "inside a private network"),
        ({"url": "https://169.254.169.254/latest"}, "inside a private network"),
        ({"url": "https://[::ffff:192.168.0.1]/"}, "inside a private network"),
        ({"url": "https://127.0.0.1/", "description": "x" * 81}, "longer than 80"),
        ({"url": "https://127.0.0.1/", "description": "a\x00b"}, "can&#39;t be stored"),
        ({"url": "https://127.0.0.1/", "sources": ["rumour"]}, "Choose from the list"),
        ({"url": "https://127.0.0.1/", "teams": ["999999999"]}, "Choose from the list"),
    ],
)
def test_an_endpoint_that_can_not_be_is_told_at_its_field(
    world: World, form: dict[str, object], says: str
) -> None:
    answer = world.sign_in("admin").post(f"{PATH}/new", form)
    assert answer.status_code == 422
    assert says in answer.text
    assert _endpoints(world) == []


def test_a_test_event_shows_what_came_back_and_is_no_change(world: World, here: Receiver) -> None:
    endpoint_id, secret = add_endpoint(world, here.url)
    set_endpoint(world, endpoint_id, paused_at=datetime.now(UTC))
    here.answer = lambda _: (400, b"<b>unknown type</b>")
    admin = world.sign_in("admin")
    page = admin.post(f"{PATH}/{endpoint_id}/test", follow_redirects=True).text
    assert "Answered 400" in page
    assert "&lt;b&gt;unknown type&lt;/b&gt;" in page
    (taken,) = here.taken
    assert taken.event["type"] == "webhook.test"
    Webhook(secret).verify(taken.body, taken.headers)
    (row,) = deliveries(world, endpoint_id)
    assert (row.state, row.change_id) == ("failed", None)
    assert endpoint_row(world, endpoint_id).failures == 0
    assert admin.post(f"{PATH}/{endpoint_id}/deliveries/{row.id}/resend").status_code == 404


def test_the_log_is_filtered_paged_and_sends_again_with_the_same_id(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    maya = world.add_contact(first_name="Maya")
    noor = world.add_contact(first_name="Noor", last_name="Aziz")
    changes_of(world, maya, log.PAGE)
    changes_of(world, noor, 2)
    here.answer = lambda taken: (500, b"") if taken.contact_id == noor else (204, b"")
    deliver(world, endpoint_id)
    admin, path = world.sign_in("admin"), f"{PATH}/{endpoint_id}"
    page = admin.get(path).text
    assert "Noor Aziz: opted out of ADM" in page
    assert "Trying again" in page
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
    last = admin.get(older.replace("&amp;", "&")).text
    assert last.count("/deliveries/") == 2
    assert "Noor" not in last
    found = admin.get(f"{path}?contact=aziz").text
    assert found.count("Noor Aziz") == 2
    assert "Maya" not in found
    assert admin.get(f"{path}?contact=aziz&state=delivered").text.count("/deliveries/") == 0
    for odd in ("state=nonsense", "contact=%00"):
        assert admin.get(f"{path}?{odd}").status_code == 422
    assert admin.get(f"{path}?before=99999999999999999999&contact=").status_code == 200
    first, second = deliveries(world, endpoint_id)[-2:]
    assert "waits for an earlier event" in admin.get(f"{path}/deliveries/{second.id}").text
    here.answer = lambda _: (200, b"ok")
    admin.post(f"{path}/deliveries/{first.id}/resend")
    deliver(world, endpoint_id)
    ids = [taken.headers["webhook-id"] for taken in here.taken if taken.contact_id == noor]
    assert ids == [first.event_id, first.event_id, second.event_id]
    # One that was taken can go again too.
    admin.post(f"{path}/deliveries/{second.id}/resend")
    deliver(world, endpoint_id)
    assert here.taken[-1].headers["webhook-id"] == second.event_id
    assert len(deliveries(world, endpoint_id)[-1].tries) == 2


def test_everything_that_failed_since_a_time_is_sent_again(world: World, here: Receiver) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    changes_of(world, world.add_contact(), 1)
    changes_of(world, world.add_contact(), 1)
    here.answer = lambda _: (500, b"")
    for _ in range(10):
        deliver(world, endpoint_id)
        set_endpoint(world, endpoint_id, quiet_until=None)
        let_time_pass(world, endpoint_id)
    assert {row.state for row in deliveries(world, endpoint_id)} == {"failed"}
    admin, path = world.sign_in("admin"), f"{PATH}/{endpoint_id}"
    shown = admin.get(f"{path}/deliveries/{deliveries(world, endpoint_id)[0].id}").text
    assert "Given up after 10 tries" in shown
    for since in ("", "soon", "0001-01-01T00:00"):
        assert admin.post(f"{path}/resend", {"since": since}).status_code == 422
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = admin.post(f"{path}/resend", {"since": later}, follow_redirects=True)
    assert "Nothing has failed since then" in answer.text
    sooner = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = admin.post(f"{path}/resend", {"since": sooner}, follow_redirects=True)
    assert "2 events go out again" in answer.text
    here.answer = lambda _: (204, b"")
    deliver(world, endpoint_id)
    assert {row.state for row in deliveries(world, endpoint_id)} == {"delivered"}


def test_sending_again_waits_for_who_notes_an_answer_and_holds_nothing_they_need(
    world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    changes_of(world, world.add_contact(), 1)
    deliver(world, endpoint_id)
    (delivery,) = deliveries(world, endpoint_id)
    long_ago = datetime.now(UTC) - timedelta(days=30)

    def one() -> None:
        with world.session():
            log.send_again(db.session.get_one(WebhookDelivery, delivery.id))

    def all_failed() -> None:
        with world.session():
            log.send_failed_again(db.session.get_one(WebhookEndpoint, endpoint_id), long_ago)

    theirs = select(WebhookDelivery.id).where(WebhookDelivery.id == delivery.id)
    for again in (one, all_failed):
        now = datetime.now(UTC)
        set_endpoint(world, endpoint_id, quiet_until=now)
        with world.session():
            mine = update(WebhookDelivery).where(WebhookDelivery.id == delivery.id)
            db.session.execute(mine.values(state="failed", finished_at=now))
            db.session.commit()
            use_tenant(world.tenant_id)
            held = select(WebhookEndpoint.id).where(WebhookEndpoint.id == endpoint_id)
            db.session.execute(held.with_for_update())
            thread = threading.Thread(target=again)
            thread.start()
            while not db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                assert thread.is_alive()
            assert db.session.scalar(theirs.with_for_update(nowait=True)) == delivery.id
            db.session.rollback()
        thread.join(30)
        assert [row.state for row in deliveries(world, endpoint_id)] == ["pending"]


def test_the_log_forgets_what_ended_long_ago_and_never_what_is_still_to_go(
    world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    old, stuck = world.add_contact(), world.add_contact()
    changes_of(world, old, 2)
    changes_of(world, stuck, 1)
    here.answer = lambda taken: (500, b"") if taken.contact_id == stuck else (204, b"")
    deliver(world, endpoint_id)
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with world.session():
        for row in db.session.scalars(select(WebhookDelivery)):
            row.created_at = long_ago
            row.finished_at = long_ago if row.finished_at else None
        db.session.commit()
        log.prune()
    (row,) = deliveries(world, endpoint_id)
    assert (row.contact_id, len(row.tries)) == (stuck, 1)
    world.sign_in("admin").post(f"{PATH}/{endpoint_id}/delete")
    with world.session():
        log.prune()
        assert db.session.scalars(select(WebhookAttempt)).all() == []
    assert deliveries(world, endpoint_id) == []


def test_webhooks_are_for_admins_and_for_their_own_tenant(
    world: World, legacy_world: World, here: Receiver
) -> None:
    endpoint_id, _ = add_endpoint(legacy_world, here.url)
    set_status(legacy_world, legacy_world.add_contact())
    deliver(legacy_world, endpoint_id)
    (row,) = deliveries(legacy_world, endpoint_id)
    theirs = f"{PATH}/{endpoint_id}"
    pages = [theirs, f"{theirs}/edit", f"{theirs}/roll", f"{theirs}/delete", f"{theirs}/deliveries/{row.id}"]
    forms = [f"{theirs}/{what}" for what in ("edit", "roll", "delete", "pause", "resume", "test", "resend")]
    forms.append(f"{theirs}/deliveries/{row.id}/resend")
    nobody, agent, admin = world.app.test_client(), world.sign_in("agent"), world.sign_in("admin")
    for path in [PATH, f"{PATH}/new", *pages]:
        assert nobody.get(path).status_code == 302
        assert agent.get(path).status_code == 403
    for path in pages:
        assert admin.get(path).status_code == 404
    for path in forms:
        assert agent.post(path).status_code == 403
        assert admin.post(path).status_code == 404
        assert admin.client.post(path).status_code == 400
    assert agent.post(f"{PATH}/new", {"url": here.url}).status_code == 403
    assert admin.get(f"{PATH}/{2**70}").status_code == 404
    own_id, _ = add_endpoint(world, here.url)
    assert admin.get(f"{PATH}/{own_id}/deliveries/{row.id}").status_code == 404
    assert "All" in legacy_world.sign_in("admin").get(theirs).text
    assert "Departments" in legacy_world.sign_in("admin").get(theirs).text
    assert here.change_ids == [row.change_id]
    assert endpoint_row(legacy_world, endpoint_id).active


def test_the_document_describes_the_event(world: World) -> None:
    document = world.app.test_client().get("/api/v1/openapi.json").get_json()
    sent = document["webhooks"]["consent.changed"]["post"]
    name = sent["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    event = document["components"]["schemas"][name]
    assert event["properties"]["data"] == {"$ref": "#/components/schemas/ChangeOut"}
    assert [each["name"] for each in sent["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
