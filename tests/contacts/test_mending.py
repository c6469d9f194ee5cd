"""Numbers from before they were read strictly: read again once, kept, not texted, and listed for admins."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text, update

from cadence_app.accounts.models import AuditEntry, Tenant, User
from cadence_app.campaigns.models import Reason, Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.contacts import jobs, mending
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.desk import find_conversation
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import compose, refusal
from tests.campaigns.sending import add_campaign
from tests.contacts.mending import UNSENDABLE, listed, make_due, mexican, number_of, read_again, why_not
from tests.records.people import IN, OUT, add_number, opt, text_at
from tests.world import World, new_number


@pytest.mark.parametrize("stored", ["+15550145", "+10000000000", "+11234567890", "+442012", "+19115550145"])
def test_a_stored_number_that_is_none_is_kept_listed_and_not_texted(world: World, stored: str) -> None:
    good, bad = world.add_contact(), world.add_contact(stored)
    for contact_id in (good, bad):
        opt(world, contact_id, IN)
    read_again(world)
    assert listed(world) == {bad: stored}
    assert number_of(world, bad) == stored
    assert why_not(world, bad) == UNSENDABLE
    assert why_not(world, good) is None
    assert len(world.history(bad)) == 1


def test_no_automatic_answer_and_no_campaign_reaches_it(world: World) -> None:
    good, bad = world.add_contact(), world.add_contact("+15550145")
    for contact_id in (good, bad):
        opt(world, contact_id, IN)
    read_again(world)
    for kind in (MessageKind.HELP_REPLY, MessageKind.OPT_IN_REPLY, MessageKind.OPT_OUT_REPLY):
        with world.session():
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
            assert refusal(inbox, bad, kind) == UNSENDABLE
    campaign_id = add_campaign(world, segment=Segment(Who.PICKED, contact_ids=(good, bad)))
    with world.session():
        reasons = dict(
            db.session.execute(
                select(Recipient.contact_id, Recipient.reason).where(Recipient.campaign_id == campaign_id)
            ).all()
        )
    assert reasons == {good: "", bad: Reason.NUMBER_UNSENDABLE}


def test_a_text_that_is_composed_to_it_is_kept_as_suppressed(world: World) -> None:
    number = new_number()
    world.text(number, "Hello")
    contact_id = world.contact_id(number)
    with world.session():
        db.session.execute(update(Contact).where(Contact.id == contact_id).values(number="+15550146"))
        db.session.commit()
    read_again(world)
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        conversation_id = db.session.scalar(
            text("SELECT id FROM conversations WHERE contact_id = :id"), {"id": contact_id}
        )
        conversation = find_conversation(user, conversation_id)
        assert conversation
        message = compose(user, conversation, "Are you there?")
        assert (message.state, message.detail) == ("suppressed", UNSENDABLE)


def test_reading_again_twice_changes_nothing_more(world: World) -> None:
    old, _ = mexican()
    contacts = [world.add_contact("+15550145"), world.add_contact(old)]
    opt(world, contacts[1], IN)
    for _ in range(2):
        read_again(world)
    assert list(listed(world)) == contacts[:1]
    assert len(world.history(contacts[1])) == 1
    with world.session():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "numbers.read_again").order_by(AuditEntry.id)
        ).all()
        assert [entry.changes for entry in entries] == [
            {"changed_or_listed": [None, 2], "to_mend": [None, 1]},
            {"changed_or_listed": [None, 1], "to_mend": [None, 1]},
        ]


def test_every_tenant_that_is_due_is_read_by_whoever_comes_first(world: World, legacy_world: World) -> None:
    bad = [(each, each.add_contact("+15550145")) for each in (world, legacy_world)]
    for each, _ in bad:
        make_due(each)
    with world.app.app_context():
        assert mending.due() is not None
        jobs.read_numbers_again()
        assert mending.due() is None
    assert [listed(each) for each, _ in bad] == [{contact_id: "+15550145"} for _, contact_id in bad]


def test_tenants_that_come_later_are_not_due(world: World) -> None:
    with world.session():
        assert db.session.get_one(Tenant, world.tenant_id).numbers_read == mending.READING


def test_the_correct_number_takes_it_off_the_list_and_does_not_opt_in(world: World) -> None:
    contact_id, number = world.add_contact("+15550145"), new_number()
    opt(world, contact_id, IN)
    read_again(world)
    text_at(world, contact_id, number)
    assert listed(world) == {}
    assert world.status(contact_id, world.team_id) == OUT
    assert why_not(world, contact_id) != UNSENDABLE


def test_a_further_number_that_is_none_is_listed_and_the_contact_still_texted(world: World) -> None:
    contact_id = world.add_contact()
    opt(world, contact_id, IN)
    add_number(world, contact_id, "+15550145")
    read_again(world)
    assert listed(world) == {contact_id: "+15550145"}
    assert why_not(world, contact_id) is None


def test_a_number_that_may_stay_is_listed_no_more_and_never_texted(world: World) -> None:
    contact_id = world.add_contact("+15550145")
    opt(world, contact_id, IN)
    read_again(world)
    admin = world.sign_in("admin")
    page = admin.get("/contacts/to-mend")
    assert "+15550145" in page.text
    path = f"/contacts/to-mend/{contact_id}/leave"
    answer = admin.post(path, {"number": "+15550145"}, token_from="/contacts/to-mend", follow_redirects=True)
    assert "Nothing to mend" in answer.text
    read_again(world)
    assert listed(world) == {}
    assert why_not(world, contact_id) == UNSENDABLE


def test_the_list_is_for_admins_and_offers_the_area_code_of_the_team(world: World) -> None:
    contact_id = world.add_contact("+15550145", first_name="Rosa")
    opt(world, contact_id, IN)
    admin = world.sign_in("admin")
    assert "To mend" not in admin.get("/contacts/").text
    assert "Nothing to mend" in admin.get("/contacts/to-mend").text
    read_again(world)
    assert "To mend (1)" in admin.get("/contacts/").text
    page = admin.get("/contacts/to-mend").text
    area = world.shared[2:5]
    assert f"({area}) 555-0145?" in page
    assert f"/contacts/{contact_id}/numbers?number=%2B1{area}5550145" in page
    agent = world.sign_in("agent")
    assert agent.get("/contacts/to-mend").status_code == 403
    assert "To mend" not in agent.get("/contacts/").text


def test_pages_of_the_list_show_everybody_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [world.add_contact(f"+1555014{index}") for index in range(5)]
    read_again(world)
    monkeypatch.setattr(mending, "PAGE", 2)
    with world.session():
        seen: list[int] = []
        after: int | None = 0
        while after is not None:
            entries, after = mending.to_mend(after)
            seen += [entry.contact.id for entry in entries]
    assert seen == ids


def test_another_tenants_list_is_out_of_reach(world: World, legacy_world: World) -> None:
    contact_id = legacy_world.add_contact("+15550145")
    read_again(legacy_world)
    admin = world.sign_in("admin")
    assert "+15550145" not in admin.get("/contacts/to-mend").text
    answer = admin.post(
        f"/contacts/to-mend/{contact_id}/leave", {"number": "+15550145"}, token_from="/contacts/"
    )
    assert answer.status_code == 404
    assert listed(legacy_world) == {contact_id: "+15550145"}
    with world.session():
        assert (
            db.session.scalars(select(ContactNumber).where(ContactNumber.contact_id == contact_id)).all()
            == []
        )
