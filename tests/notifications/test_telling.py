"""Who gets which notification e-mail, and that each change is told once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry, Team, User
from cadence_app.consent.first_status import add_by_user
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from cadence_app.notifications import service
from cadence_app.notifications.jobs import sweep_notifications
from cadence_app.notifications.models import Event, NotificationRule, Pace
from cadence_app.notifications.telling import tell
from cadence_app.ui.formatting import phone
from cadence_app.vault import decrypt
from tests.contacts.importing import csv_of, run
from tests.records.people import merge, opt, text_at
from tests.world import World, new_number

MANAGER = "manager@nowhere.example"


def set_rule(
    world: World,
    event: Event = Event.STATUS_CHANGE,
    emails: tuple[str, ...] = (MANAGER,),
    pace: Pace = Pace.IMMEDIATE,
    enabled: bool = True,
) -> int:
    with world.session():
        admin, team = db.session.get_one(User, world.admin_id), db.session.get_one(Team, world.team_id)
        return service.set_rule(admin, team, event, enabled, pace, emails).id


def sweep(world: World) -> list[OutgoingMail]:
    """The notifications of a tenant after a sweep, oldest first, detached."""
    with world.app.app_context():
        sweep_notifications()
    return mails(world)


def mails(world: World) -> list[OutgoingMail]:
    with world.session():
        query = select(OutgoingMail).where(OutgoingMail.kind == "notification").order_by(OutgoingMail.id)
        found = list(db.session.scalars(query))
        db.session.expunge_all()
        for mail in found:
            mail.text, mail.html = decrypt(mail.text), decrypt(mail.html)
        return found


def toggle(world: World, contact_id: int, status: Status, source: Source = Source.TOGGLE) -> None:
    with world.session():
        user_id = world.agent_id if source == Source.TOGGLE else None
        record_change(Change(contact_id, world.team_id, status, source, user_id=user_id))
        db.session.commit()


def test_a_toggle_and_a_keyword_are_told_with_who_did_it(world: World) -> None:
    set_rule(world)
    contact = world.add_contact(external_id="S-17")
    toggle(world, contact, Status.OPTED_OUT)
    (first,) = sweep(world)
    assert first.recipient == MANAGER
    assert first.subject == f"Admissions: Maya Chen opted out ({world.name})"
    assert "Opted out by Agent Person" in first.text
    assert "ContactId S-17" in first.text
    assert f"/contacts/{contact}" in first.html
    number = new_number()
    world.text(number, "Hello")
    world.text(number, "STOP")
    second = sweep(world)[-1]
    assert "Opted out by a text of their own" in second.text


def test_a_change_of_number_and_a_merge_are_told_with_who_did_it(world: World) -> None:
    set_rule(world)
    old = new_number()
    contact, kept, gone = world.add_contact(old, external_id="S-17"), world.add_contact(), world.add_contact()
    opt(world, contact, Status.OPTED_IN)
    opt(world, kept, Status.OPTED_IN)
    opt(world, gone, Status.OPTED_OUT)
    sweep(world)
    text_at(world, contact, new_number())
    moved = sweep(world)[-1]
    assert "Opted out with a change of their number by Agent Person" in moved.text
    assert phone(old) in moved.text
    merge(world, kept, gone)
    assert "Opted out with a merge of two records by Admin Person" in sweep(world)[-1].text
    rows = csv_of(("", "", "S-17", new_number(), "ADM", ""))
    opt(world, contact, Status.OPTED_IN)
    sweep(world)
    run(world, rows)
    assert "Opted out with a change of their number by Admin Person" in sweep(world)[-1].text


def test_imports_and_the_api_tell_nobody(world: World) -> None:
    for event in Event:
        set_rule(world, event)
    toggle(world, world.add_contact(), Status.OPTED_OUT, Source.IMPORT)
    toggle(world, world.add_contact(), Status.OPTED_OUT, Source.API)
    assert sweep(world) == []


def test_an_unknown_contact_and_one_added_by_hand_have_e_mails_of_their_own(world: World) -> None:
    set_rule(world, Event.UNKNOWN_CONTACT, ("desk@nowhere.example",))
    set_rule(world, Event.CONTACT_ADDED, ("lists@nowhere.example",))
    world.text(new_number(), "Hello, is this the college?")
    contact = world.add_contact()
    with world.session():
        add_by_user(db.session.get_one(User, world.agent_id), contact, world.team_id)
        db.session.commit()
    sent = {mail.recipient: mail.subject for mail in sweep(world)}
    assert set(sent) == {"desk@nowhere.example", "lists@nowhere.example"}
    assert "an unknown contact wrote" in sent["desk@nowhere.example"]
    assert "Maya Chen was added" in sent["lists@nowhere.example"]


def test_a_first_text_that_is_stop_is_an_unknown_contact_too(world: World) -> None:
    set_rule(world, Event.UNKNOWN_CONTACT)
    number = new_number()
    world.text(number, "STOP")
    (mail,) = sweep(world)
    assert "Opted out by a text of their own" in mail.text
    world.text(number, "START")
    world.text(number, "STOP")
    assert len(sweep(world)) == 1


def test_what_happened_before_the_rule_or_in_another_team_is_not_told(world: World) -> None:
    toggle(world, world.add_contact(), Status.OPTED_OUT)
    set_rule(world)
    world.text(new_number(), "STOP", inbox=world.other_shared)
    assert sweep(world) == []


def test_each_change_is_told_once_however_many_sweeps_there_are(world: World) -> None:
    set_rule(world, emails=(MANAGER, "second@nowhere.example"))
    contacts = [world.add_contact() for _ in range(60)]
    for contact in contacts:
        toggle(world, contact, Status.OPTED_OUT)
    told = sweep(world)
    assert len(told) == 2
    assert told[0].subject.startswith("Admissions: 60 opt out status changes")
    assert told[0].text.count("Opted out by") == 50
    assert "And 10 more" in told[0].text
    assert len(sweep(world)) == 2


def test_two_workers_at_once_tell_a_change_once(world: World) -> None:
    rule_id = set_rule(world)
    toggle(world, world.add_contact(), Status.OPTED_OUT)

    def work() -> None:
        with world.session():
            tell(rule_id)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweep(world)
    assert len(mails(world)) == 1


@contextmanager
def open_change(world: World, contact_id: int) -> Iterator[None]:
    """A toggle that is not committed before the block ends."""
    with world.session():
        record_change(
            Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE, user_id=world.agent_id)
        )
        yield
        db.session.commit()


def test_a_change_that_commits_late_is_told_late_and_not_missed(world: World) -> None:
    set_rule(world)
    late, early = world.add_contact(first_name="Late"), world.add_contact(first_name="Early")
    holding, go = threading.Event(), threading.Event()

    def hold() -> None:
        with open_change(world, late):
            holding.set()
            go.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    toggle(world, early, Status.OPTED_OUT)
    waited = sweep(world)
    go.set()
    thread.join()
    told = sweep(world)
    names = " ".join(mail.text for mail in told)
    assert waited == []
    assert (names.count("Late Chen,"), names.count("Early Chen,")) == (1, 1)


def test_a_daily_e_mail_waits_for_its_hour_and_tells_the_whole_day(world: World) -> None:
    rule_id = set_rule(world, pace=Pace.DAILY)
    for _ in range(3):
        toggle(world, world.add_contact(), Status.OPTED_OUT)
    assert sweep(world) == []
    with world.session():
        rule = db.session.get_one(NotificationRule, rule_id)
        assert rule.digest_at
        local = rule.digest_at.astimezone(rule.team.tenant.zone)
        assert (local.hour, local.minute) == (8, 0)
        rule.digest_at = datetime.now(UTC) - timedelta(minutes=1)
        db.session.commit()
    (mail,) = sweep(world)
    assert "3 opt out status changes" in mail.subject
    assert "once a day" in mail.text
    with world.session():
        next_at = db.session.get_one(NotificationRule, rule_id).digest_at
        assert next_at
        assert next_at > datetime.now(UTC)
    assert len(sweep(world)) == 1


def test_a_rule_that_is_off_or_reaches_nobody_tells_nothing_and_does_not_catch_up(world: World) -> None:
    set_rule(world, enabled=False)
    toggle(world, world.add_contact(), Status.OPTED_OUT)
    assert sweep(world) == []
    set_rule(world)
    assert sweep(world) == []
    toggle(world, world.add_contact(), Status.OPTED_OUT)
    assert len(sweep(world)) == 1


def test_a_long_import_is_not_read_again_at_every_sweep(world: World) -> None:
    rule_id = set_rule(world)
    toggle(world, world.add_contact(), Status.OPTED_OUT, Source.IMPORT)
    with world.session():
        rule = db.session.get_one(NotificationRule, rule_id)
        began, rule.cursor = rule.cursor, rule.cursor - 2000
        db.session.commit()
    sweep(world)
    with world.session():
        assert db.session.get_one(NotificationRule, rule_id).cursor > began


def test_saving_keeps_who_unsubscribed_out_and_is_audited(world: World) -> None:
    rule_id = set_rule(world, emails=(MANAGER, "second@nowhere.example"))
    with world.session():
        rule = db.session.get_one(NotificationRule, rule_id)
        service.unsubscribe(next(each for each in rule.recipients if each.email == MANAGER))
    with pytest.raises(service.Unsubscribed, match=MANAGER):
        set_rule(world, emails=(MANAGER.upper(), "third@nowhere.example"))
    set_rule(world, emails=("third@nowhere.example",))
    with world.session():
        rule = db.session.get_one(NotificationRule, rule_id)
        assert [each.email for each in rule.reached] == ["third@nowhere.example"]
        assert len(rule.recipients) == 2
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert entry.changes["recipients"] == [["second@nowhere.example"], ["third@nowhere.example"]]
