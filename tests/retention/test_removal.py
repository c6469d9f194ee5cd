"""What a dry run lists, what a removal takes, and what outlasts it."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import ProgrammingError

from cadence_app.accounts.models import AuditEntry, Team, User
from cadence_app.consent import blocks, possible
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import BlockScope, Consent, OptOutChange, Status
from cadence_app.consent.verifying import Kind, verify
from cadence_app.contacts import service as contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import assignments, notes
from cadence_app.messaging.carriers import intake
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.carriers.models import CarrierEvent
from cadence_app.messaging.desk_models import AssignmentChange, Note
from cadence_app.messaging.models import Conversation, Message, MessageKind
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.messaging.providers.events import Text as CarrierText
from cadence_app.messaging.sending import refusal
from cadence_app.retention import holds, listing, removal, service
from cadence_app.retention.models import RetentionItem, RetentionRun
from cadence_app.retention.stops import keep_stops
from tests import sizes
from tests.consent.history import behind_its_back, check
from tests.retention.old_contacts import (
    LONG_AGO,
    NOW,
    approve,
    dry_run,
    keep_for_a_year,
    old_contact,
    remove_all,
    run_row,
    work,
)
from tests.waiting import until_somebody_waits
from tests.world import World, make_world, new_number


def fates(world: World, run_id: int) -> dict[int, str]:
    with world.session():
        rows = db.session.execute(
            select(RetentionItem.contact_id, RetentionItem.fate).where(RetentionItem.run_id == run_id)
        )
        return {row[0]: row[1] for row in rows}


def known(world: World, contact_id: int) -> bool:
    with world.session():
        return db.session.get(Contact, contact_id) is not None


def test_a_dry_run_lists_who_had_nothing_since_and_removes_nothing(world: World) -> None:
    old = old_contact(world, texts=3)
    never_texted = old_contact(world, texts=0)
    recent = old_contact(world, at=NOW - timedelta(days=300))
    new = world.add_contact()
    on_hold, flagged = old_contact(world), old_contact(world)
    with world.session():
        admin, contact = db.session.get_one(User, world.admin_id), db.session.get_one(Contact, on_hold)
        holds.set_hold(admin, contact, "Case 12")
        message_id = db.session.scalars(select(func.max(Message.id))).one()
        possible.flag(flagged, world.team_id, message_id, "please stop", admin.tenant.zone)
        db.session.commit()
    keep_for_a_year(world)
    run_id = dry_run(world)
    assert run_row(world, run_id).state == "ready"
    assert fates(world, run_id) == {old: "listed", never_texted: "listed"}
    with world.session():
        run = db.session.get_one(RetentionRun, run_id)
        tenant = db.session.get_one(User, world.admin_id).tenant
        ((year, totals),) = service.by_year(run, tenant)
        assert year == LONG_AGO.astimezone(tenant.zone).year
        assert totals == service.totals(run) == service.Totals(2, 2, 3, 2)
    assert all(known(world, each) for each in (old, never_texted, recent, new, on_hold, flagged))


def test_a_removal_takes_all_of_a_contact_and_leaves_the_seals_intact_and_an_entry(world: World) -> None:
    old = old_contact(world)
    stays = old_contact(world, at=NOW - timedelta(days=30))
    keep_for_a_year(world)
    run = remove_all(world)
    assert run.state == "done"
    assert not known(world, old)
    assert known(world, stays)
    with world.session():
        for kind in (Conversation, OptOutChange, Consent):
            assert set(db.session.scalars(select(kind.contact_id))) == {stays}
        assert db.session.scalar(select(func.count()).select_from(Message)) == 2
        outcome = verify()
        assert outcome.intact
        assert outcome.rows == 2
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "retention.removed")).one()
        assert entry.changes["contacts"] == [None, 1]
        assert entry.changes["texts"] == [None, 2]
        lines = listing.REMOVED_HEADER + "".join(listing.lines(listing.removed_page, run.id))
        assert entry.changes["sha256_of_list"] == [None, hashlib.sha256(lines.encode()).hexdigest()]
        assert lines.splitlines()[1].startswith(f"{old},")


def test_a_removal_takes_notes_and_whose_a_conversation_was_along(world: World) -> None:
    old = old_contact(world)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        conversation = db.session.scalars(select(Conversation).where(Conversation.contact_id == old)).one()
        notes.add(agent, conversation, "rang in")
        assignments.assign(agent, conversation, agent.id, None)
        db.session.commit()
    keep_for_a_year(world)
    assert remove_all(world).state == "done"
    assert not known(world, old)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Note)) == 0
        assert db.session.scalar(select(func.count()).select_from(AssignmentChange)) == 0


def test_after_a_removal_an_altered_row_is_still_named(world: World) -> None:
    old_contact(world)
    kept = old_contact(world, at=NOW - timedelta(days=30))
    keep_for_a_year(world)
    remove_all(world)
    row_id = world.history(kept)[0].id
    owner = create_engine(world.app.config["SUPERUSER_URL"])
    with behind_its_back(owner) as connection:
        connection.execute(text("UPDATE opt_out_changes SET words = 'yes' WHERE id = :id"), {"id": row_id})
    owner.dispose()
    problem = check(world).problem
    assert problem
    assert (problem.kind, problem.change_id) == (Kind.ALTERED, row_id)


def test_who_had_stopped_starts_opted_out_should_the_number_come_back(world: World) -> None:
    by_hand, by_text = new_number(), new_number()
    for number in (by_hand, by_text):
        old_contact(world, Status.OPTED_OUT, number)
    keep_for_a_year(world)
    assert run_row(world, remove_all(world).id).state == "done"
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        for team in admin.teams:
            try:
                contacts.add_contact(admin, team, by_hand, "New", "Person", "")
            except contacts.Taken as taken:
                raise AssertionError from taken
    world.text(by_text, "hello again")
    for number in (by_hand, by_text):
        assert world.status(world.contact_id(number)) == "opted_out"
    assert world.status(world.contact_id(by_hand), world.other_team_id) == "opted_out"
    world.text(by_text, "START")
    assert world.status(world.contact_id(by_text)) == "opted_in"


def test_whoever_texts_or_is_put_on_hold_after_the_dry_run_is_kept(world: World) -> None:
    number = new_number()
    texts, held, goes = old_contact(world, number=number), old_contact(world), old_contact(world)
    keep_for_a_year(world)
    run_id = dry_run(world)
    approve(world, run_id)
    world.text(number, "are you still there?")
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        holds.set_hold(admin, db.session.get_one(Contact, held), "Case 12")
    assert work(world, run_id).state == "done"
    assert fates(world, run_id) == {texts: "kept", held: "kept", goes: "removed"}


def test_a_text_that_is_coming_in_while_its_turn_comes_saves_the_contact(world: World) -> None:
    contact_id = old_contact(world)
    keep_for_a_year(world)
    run_id = dry_run(world)
    approve(world, run_id)
    worker = threading.Thread(target=lambda: work(world, run_id))
    with world.session():
        lock_contacts([contact_id])
        worker.start()
        until_somebody_waits()
        conversation = db.session.scalars(select(Conversation)).one()
        conversation.last_message_at = func.now()
        db.session.commit()
    worker.join(30)
    assert fates(world, run_id) == {contact_id: "kept"}


def test_a_text_that_comes_in_just_as_the_contact_goes_makes_them_anew(world: World) -> None:
    number = new_number()
    contact_id = old_contact(world, Status.OPTED_OUT, number)
    keep_for_a_year(world)
    run_id = dry_run(world)
    approve(world, run_id)
    texting = threading.Thread(target=lambda: world.text(number, "hi"))
    with world.session():
        removal._remove_batch(db.session.get_one(RetentionRun, run_id), [contact_id])
        texting.start()
        until_somebody_waits()
        db.session.commit()
    texting.join(30)
    assert world.contact_id(number) != contact_id
    assert world.status(world.contact_id(number)) == "opted_out"


def test_a_stop_that_waits_to_be_taken_in_outlasts_the_removal(world: World) -> None:
    keep_for_a_year(world)
    number = new_number()
    old_contact(world, number=number)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        account = add_account(admin, "twilio")
        account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
        db.session.add(account)
        db.session.flush()
        intake.keep(account, [CarrierText(world.shared, number, "STOP", "id", NOW)])
    remove_all(world)
    with world.session():
        (event_id,) = db.session.scalars(select(CarrierEvent.id)).all()
        intake.take_in(event_id)
    with world.session():
        contact = db.session.scalars(select(Contact).where(Contact.number == number)).one()
    assert world.status(contact.id) == Status.OPTED_OUT


def test_a_run_that_is_cut_off_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {old_contact(world) for _ in range(3)}
    keep_for_a_year(world)
    monkeypatch.setattr(removal, "_LOOKED_AT", 1)
    monkeypatch.setattr(removal, "_REMOVED", 1)
    run_id = dry_run(world)
    assert set(fates(world, run_id)) == ids
    approve(world, run_id)
    stops = keep_stops

    def cut_off_at_the_second(contact_ids: list[int]) -> None:
        if contact_ids != [min(ids)]:
            raise SystemExit
        stops(contact_ids)

    with monkeypatch.context() as patched:
        patched.setattr(removal, "keep_stops", cut_off_at_the_second)
        with pytest.raises(SystemExit):
            work(world, run_id)
    assert sorted(fates(world, run_id).values()) == ["listed", "listed", "removed"]
    assert work(world, run_id).state == "done"
    assert set(fates(world, run_id).values()) == {"removed"}
    assert check(world).intact


def test_a_removal_waits_until_the_history_is_sealed(world: World) -> None:
    contact_id = old_contact(world)
    with world.session():
        db.session.get_one(User, world.admin_id).tenant.retention_years = 1
        db.session.commit()
    run_id = dry_run(world)
    approve(world, run_id)
    run = work(world, run_id)
    assert (run.state, "not sealed far enough" in run.problem) == ("removing", True)
    assert known(world, contact_id)
    keep_for_a_year(world)
    assert work(world, run_id).state == "done"
    assert not known(world, contact_id)


def test_the_database_itself_refuses_what_no_run_may_do(world: World) -> None:
    recent, strangers = old_contact(world, at=NOW - timedelta(days=300)), make_world(world.app, "teams")
    theirs = old_contact(strangers)
    keep_for_a_year(world)
    with world.session():
        with pytest.raises(ProgrammingError, match="permission denied"):
            db.session.execute(text("DELETE FROM contacts WHERE id = :id"), {"id": recent})
        db.session.rollback()
        call = text("SELECT count(*) FROM remove_contacts(:ids, 'infinity', NULL, 'x', 'x')")
        assert db.session.scalar(call, {"ids": [recent, theirs]}) == 0
        db.session.rollback()
    assert known(world, recent)
    assert known(strangers, theirs)


@pytest.mark.sized
@settings(max_examples=sizes.size(2, 20), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(
        st.tuples(st.sampled_from(["in", "out", "stop", "everywhere"]), st.integers(0, 800)), max_size=6
    )
)
def test_after_a_purge_verify_is_intact_and_nobody_has_become_reachable(
    world: World, people: list[tuple[str, int]]
) -> None:
    place = make_world(world.app, "teams")
    stopped: set[str] = set()
    numbers = []
    for said, days_ago in people:
        number = new_number()
        numbers.append(number)
        at = NOW - timedelta(days=days_ago + 2)
        contact_id = old_contact(place, Status.OPTED_IN if said == "in" else Status.OPTED_OUT, number, at)
        if said == "everywhere":
            with place.session():
                blocks.block(contact_id, BlockScope.ORGANISATION)
                db.session.commit()
        if said != "in":
            stopped.add(number)
    keep_for_a_year(place)
    remove_all(place)
    assert check(place).intact
    with place.session():
        admin = db.session.get_one(User, place.admin_id)
        inboxes = {inbox.team_id: inbox for inbox in db.session.scalars(select(Inbox))}
        for number in numbers:
            team = db.session.get_one(Team, place.team_id)
            try:
                contacts.add_contact(admin, team, number, "Back", "Again", "")
            except contacts.Taken:
                db.session.rollback()
            contact_id = db.session.scalars(select(Contact.id).where(Contact.number == number)).one()
            if number in stopped:
                assert refusal(inboxes[place.team_id], contact_id, MessageKind.PERSON)
