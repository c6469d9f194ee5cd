"""What an opt-out word reaches: chosen after a look at what that would mean, and told as its day comes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from cadence_app.accounts.models import Tenant
from cadence_app.administration.jobs import sweep_policy_notices
from cadence_app.administration.policy_notices import tell_admins
from cadence_app.consent.keyword_scope import reach
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from tests.accounts.arriving import email_of, mails_to, outbox, said, send_mails
from tests.administration.test_teams_and_inboxes import logged
from tests.world import World, new_number

PATH = "/settings/organisation/opting-out"


def today(world: World) -> datetime:
    with world.session():
        return datetime.now(db.session.get_one(Tenant, world.tenant_id).zone)


def in_days(world: World, days: int) -> str:
    return (today(world).date() + timedelta(days=days)).isoformat()


def choose(world: World, begins: str, policy: str = "organisation", seen: str = "1") -> None:
    wanted = {"keyword_policy": policy, "begins": begins, "possible": "hold", "seen": seen}
    assert world.sign_in("admin").post(PATH, wanted).status_code == (302 if seen else 200)


def days_pass(world: World, days: int) -> None:
    """The chosen day comes nearer."""
    with world.session():
        nearer = Tenant.keyword_policy_from - days
        db.session.execute(
            update(Tenant).where(Tenant.id == world.tenant_id).values(keyword_policy_from=nearer)
        )
        db.session.commit()


def told(world: World) -> list[str]:
    """The subjects of the notices since the last look."""
    with world.app.app_context():
        sweep_policy_notices()
        sweep_policy_notices()
    with world.session():
        fresh = select(OutgoingMail).where(OutgoingMail.kind == "keyword_policy").order_by(OutgoingMail.id)
        mails = db.session.scalars(fresh).all()
        subjects = [mail.subject.partition(":")[0] for mail in mails]
        for mail in mails:
            db.session.execute(update(OutgoingMail).where(OutgoingMail.id == mail.id).values(kind="read"))
        db.session.commit()
        return subjects


def both_teams(world: World) -> str:
    """A contact's number who is opted in to both teams."""
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hello", inbox)
    return number


def test_a_change_is_saved_only_after_its_effect_was_shown(world: World) -> None:
    stopped, started, everywhere = (both_teams(world) for _ in range(3))
    world.text(stopped, "STOP")
    for word in ("STOP", "START", "STOP"):
        world.text(started, word, world.other_shared)
    # These two changed all there was: STOPALL, and a word from who is in one team.
    world.text(everywhere, "STOPALL")
    world.text(new_number(), "STOP")
    with world.session():
        found = reach()
    assert (found.contacts, found.teams, found.statuses) == (2, 2, 2)
    assert [each.contact.number for each in found.examples] == [started, stopped]
    assert [each.team_code for each in found.examples] == ["AID", "ADM"]
    admin = world.sign_in("admin")
    wanted = {"keyword_policy": "organisation", "begins": in_days(world, 20), "possible": "hold"}
    shown = admin.post(PATH, wanted)
    assert shown.status_code == 200
    assert "<strong>2 contacts</strong>" in shown.text
    assert f"/contacts/{world.contact_id(stopped)}" in shown.text
    assert "14, 3, 1 days before" in shown.text
    with world.session():
        assert db.session.get_one(Tenant, world.tenant_id).keyword_policy == "team"
    assert admin.post(PATH, wanted | {"seen": "1"}).status_code == 302
    assert logged(world)[-1][2] == {
        "keyword_policy": ["team", "organisation"],
        "keyword_policy_from": [None, in_days(world, 20)],
    }
    # Once is enough, for what stays as it is.
    assert admin.post(PATH, wanted | {"possible": "opt_out"}).status_code == 302
    back = admin.post(PATH, wanted | {"keyword_policy": "team"})
    assert "Only STOPALL and STOP ALL" in back.text


def test_the_switch_itself_changes_nobody(world: World) -> None:
    number = both_teams(world)
    world.text(number, "STOP")
    contact_id = world.contact_id(number)
    choose(world, in_days(world, 0))
    told(world)
    assert world.status(contact_id, world.other_team_id) == "opted_in"
    assert len(world.history(contact_id)) == 3
    world.text(number, "STOP", world.other_shared)
    assert world.status(contact_id, world.other_team_id) == "opted_out"


def test_who_is_gone_is_no_example(world: World) -> None:
    number = both_teams(world)
    world.text(number, "STOP")
    gone = update(Contact).where(Contact.number == number).values(gone_at=func.now())
    with world.session():
        assert reach().contacts == 1
        db.session.execute(gone)
        assert (reach().contacts, reach().examples) == (0, [])
        db.session.rollback()


def test_admins_get_each_notice_once_on_its_day(world: World) -> None:
    choose(world, in_days(world, 20))
    subjects = [told(world)]
    for days in (5, 1, 4, 7, 1, 1, 1, 1, 5):
        days_pass(world, days)
        subjects.append(told(world))
    assert subjects == [
        *([], [], ["In 14 days"], [], ["In 3 days"], [], ["Tomorrow"], ["Today"], [], []),
    ]


def test_a_notice_that_could_not_go_is_made_up_for_once_and_another_day_starts_anew(world: World) -> None:
    choose(world, in_days(world, 20))
    days_pass(world, 18)
    assert told(world) == ["In 2 days"]
    days_pass(world, 4)
    (late,) = told(world)
    assert late.startswith("Since ")
    choose(world, in_days(world, 14))
    assert told(world) == ["In 14 days"]
    # Chosen so near, the day of the first notice is over: the next one is.
    choose(world, in_days(world, 10))
    assert told(world) == []
    days_pass(world, 7)
    assert told(world) == ["In 3 days"]
    choose(world, "", policy="team")
    days_pass(world, 1)
    assert told(world) == []


@pytest.mark.parametrize("begins", ["", "2020-01-01"])
def test_who_begins_at_once_needs_no_notice(world: World, begins: str) -> None:
    choose(world, begins)
    assert told(world) == []


def test_the_mail_goes_to_admins_and_states_no_duty(legacy_world: World) -> None:
    world = legacy_world
    choose(world, in_days(world, 3))
    with world.session():
        assert tell_admins() == 1
    send_mails(world)
    assert outbox(world)[-1].sent_at
    (mail,) = mails_to(world.app, email_of(world, world.admin_id))
    text = " ".join(said(mail).split())
    assert "every department" in text
    assert "changes nobody's status" in text
    assert "/settings/organisation/" in text
    assert "law" not in text.lower()
    assert mails_to(world.app, email_of(world, world.agent_id)) == []


def test_a_suspended_organisation_is_told_once_it_is_back(world: World) -> None:
    choose(world, in_days(world, 3))
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.suspended_at = datetime.now().astimezone()
        db.session.commit()
    assert told(world) == []
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).suspended_at = None
        db.session.commit()
    assert told(world) == ["In 3 days"]


def test_admins_see_the_coming_day_in_settings_and_messages_and_agents_do_not(world: World) -> None:
    admin, agent = world.sign_in("admin"), world.sign_in("agent")
    choose(world, in_days(world, 20))
    pages = ("/settings/", "/settings/organisation/", "/messages/")
    for path in pages:
        assert "begins to count for every team" not in admin.get(path).text
    days_pass(world, 16)
    for path in pages:
        assert "In 4 days" in admin.get(path).text
    assert "In 4 days" not in agent.get("/messages/").text
    days_pass(world, 5)
    assert "an opt-out word counts" not in admin.get("/messages/").text


@pytest.mark.parametrize("bad", [{"begins": "someday"}, {"keyword_policy": "all"}, {"possible": "never"}])
def test_bad_input_is_told_before_anything_is_shown_or_saved(world: World, bad: dict[str, str]) -> None:
    wanted = {"keyword_policy": "organisation", "begins": "", "possible": "hold"} | bad
    admin = world.sign_in("admin")
    for seen in ("", "1"):
        answer = admin.post(PATH, wanted | {"seen": seen})
        assert answer.status_code == 422
        assert "field-error" in answer.text
    assert logged(world) == []
