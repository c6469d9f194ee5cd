"""The pages on which notifications are set up and on which recipients unsubscribe."""

from __future__ import annotations

import re

from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.notifications.models import NotificationRule
from tests.notifications.test_telling import MANAGER, mails, set_rule, sweep, toggle
from tests.world import World

INDEX = "/settings/notifications/"


def page_of(world: World) -> str:
    return f"{INDEX}{world.team_id}/status_change"


def test_an_admin_sets_up_who_is_told(world: World) -> None:
    admin = world.sign_in("admin")
    assert "Nobody" in admin.get(INDEX).text
    form = {"enabled": "y", "emails": "a@x.example, B@x.example;\na@X.example", "pace": "daily"}
    assert admin.post(page_of(world), form).status_code == 302
    page = admin.get(INDEX).text
    assert "a@x.example" in page
    assert "B@x.example" in page
    assert "Once a day" in page


def test_bad_addresses_get_a_message_at_the_field_and_save_nothing(world: World) -> None:
    admin = world.sign_in("admin")
    for emails, message in (
        ("nobody", "nobody is not an e-mail address."),
        ("", "Write at least one address."),
        ("a@x.example\nb@x\x00.example", "stored"),
        ("\n".join(f"p{n}@x.example" for n in range(51)), "At most 50 addresses."),
    ):
        answer = admin.post(page_of(world), {"enabled": "y", "emails": emails, "pace": "immediate"})
        assert answer.status_code == 422
        assert message in answer.text
    assert (
        admin.post(page_of(world), {"enabled": "y", "emails": MANAGER, "pace": "hourly"}).status_code == 422
    )
    with world.session():
        assert db.session.query(NotificationRule).count() == 0


def test_only_admins_of_the_tenant_reach_the_pages(world: World, legacy_world: World) -> None:
    agent, theirs = world.sign_in("agent"), legacy_world.sign_in("admin")
    for path in (INDEX, page_of(world)):
        assert world.app.test_client().get(path).status_code == 302
        assert agent.get(path).status_code == 403
    assert theirs.get(page_of(world)).status_code == 404
    assert theirs.post(page_of(world), {"emails": MANAGER}).status_code == 404
    assert world.sign_in("admin").get(f"{INDEX}{world.team_id}/nothing").status_code == 404


def unsubscribe_path(world: World) -> str:
    set_rule(world)
    toggle(world, world.add_contact(), Status.OPTED_OUT)
    mail = sweep(world)[-1]
    found = re.fullmatch(r"<https?://[^/]+(/unsubscribe/\S+)>", mail.headers["List-Unsubscribe"])
    assert found
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return found[1]


def test_one_click_unsubscribes_without_a_session_and_opening_the_link_does_not(world: World) -> None:
    path = unsubscribe_path(world)
    anybody = world.app.test_client()
    assert "Unsubscribe" in anybody.get(path).text
    toggle(world, world.add_contact(), Status.OPTED_OUT)
    assert len(sweep(world)) == 2
    answer = anybody.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    toggle(world, world.add_contact(), Status.OPTED_OUT)
    assert len(sweep(world)) == 2
    assert "unsubscribed" in world.sign_in("admin").get(page_of(world)).text.lower()
    anybody.post(path, data={"again": "1"})
    toggle(world, world.add_contact(), Status.OPTED_OUT)
    assert len(sweep(world)) == 3


def test_a_link_that_is_not_ours_or_of_nobody_is_404(world: World) -> None:
    path = unsubscribe_path(world)
    client = world.app.test_client()
    assert client.post(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404
    assert client.get("/unsubscribe/x").status_code == 404
    set_rule(world, emails=("other@nowhere.example",))
    assert client.get(path).status_code == 404
    assert len(mails(world)) == 1
