"""Numbers from before they were read strictly: read again once, kept, not texted, listed; and Mexico's two
spellings of one phone."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text, update

from cadence_app.accounts.models import AuditEntry, Tenant, User
from cadence_app.campaigns.models import Reason, Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.consent import blocks, possible
from cadence_app.consent.models import BlockScope, Source
from cadence_app.contacts import jobs, mending
from cadence_app.contacts.models import Contact, ContactNumber, NumberToMend
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.desk import find_conversation
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import compose, refusal
from cadence_app.records import erasing, merging
from tests.api.conftest import make_api
from tests.campaigns.sending import add_campaign
from tests.consent.test_number_stops import add_by_hand
from tests.contacts import importing
from tests.records.people import IN, OUT, add_number, current_numbers, opt, text_at
from tests.world import World, new_number

UNSENDABLE = "Nothing is sent to this number until it is mended: it is no full one, or two contacts share it."
_lines = itertools.count(secrets.randbelow(10**8))


def mexican() -> tuple[str, str]:
    """A phone's number in its older and its present spelling."""
    digits = f"55{next(_lines) % 10**8:08d}"
    return f"+521{digits}", f"+52{digits}"


def make_due(world: World) -> None:
    with world.session():
        db.session.execute(update(Tenant).where(Tenant.id == world.tenant_id).values(numbers_read=0))
        db.session.commit()


def read_again(world: World) -> None:
    make_due(world)
    with world.session():
        mending.read_again()


def listed(world: World) -> dict[int, str]:
    """The numbers on the list by contact."""
    with world.session():
        return {entry.contact.id: entry.number.number for entry in mending.to_mend()[0]}


def why_not(world: World, contact_id: int, inbox: str | None = None, **options: bool) -> str | None:
    with world.session():
        found = db.session.scalars(select(Inbox).where(Inbox.number == (inbox or world.shared))).one()
        return refusal(found, contact_id, MessageKind.PERSON, **options)


def number_of(world: World, contact_id: int) -> str:
    with world.session():
        return db.session.get_one(Contact, contact_id).number


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


def test_an_older_spelling_becomes_the_present_one_and_consent_stays(world: World) -> None:
    old, new = mexican()
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    with world.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == world.other_shared)).one()
        blocks.block(contact_id, BlockScope.CARRIER_NUMBER, inbox_id, old)
        db.session.commit()
    read_again(world)
    assert number_of(world, contact_id) == new
    assert current_numbers(world, contact_id) == {new}
    assert listed(world) == {}
    assert why_not(world, contact_id) is None
    assert [row.number for row in world.history(contact_id)] == [old]
    with world.session():
        assert [block.number for block in blocks.blocks_of(contact_id)] == [new]
    world.text(new, "STOP")
    assert world.status(contact_id, world.team_id) == OUT


def test_an_inbox_in_the_older_spelling_is_found_by_a_text_to_it(world: World) -> None:
    old, new = mexican()
    with world.session():
        db.session.execute(update(Inbox).where(Inbox.number == world.other_shared).values(number=old))
        db.session.commit()
    read_again(world)
    number = new_number()
    world.text(number, "STOP", new)
    assert world.status(world.contact_id(number), world.other_team_id) == OUT


@pytest.mark.parametrize("old_is_texted", [True, False])
def test_both_spellings_with_one_contact_become_one_number(world: World, old_is_texted: bool) -> None:
    old, new = mexican()
    contact_id = world.add_contact(old if old_is_texted else new)
    with world.session():
        # As from before the two were known to be one: adding it now would find it taken.
        other = new if old_is_texted else old
        db.session.add(ContactNumber(tenant_id=world.tenant_id, contact_id=contact_id, number=other))
        db.session.commit()
    read_again(world)
    assert number_of(world, contact_id) == new
    assert current_numbers(world, contact_id) == {new}


def test_a_further_number_is_respelled_too(world: World) -> None:
    old, new = mexican()
    contact_id, texted = world.add_contact(), new_number()
    text_at(world, contact_id, texted)
    add_number(world, contact_id, old)
    read_again(world)
    assert (number_of(world, contact_id), current_numbers(world, contact_id)) == (texted, {texted, new})


@pytest.mark.parametrize("old_one", [IN, OUT])
def test_two_contacts_of_one_phone_get_the_stricter_status_at_once(world: World, old_one: str) -> None:
    old, new = mexican()
    first, second = world.add_contact(old), world.add_contact(new, first_name="Ana")
    opt(world, first, IN)
    opt(world, second, IN)
    opt(world, first if old_one == OUT else second, OUT)
    opt(world, first, IN, world.other_team_id)
    read_again(world)
    assert world.status(first, world.team_id) == world.status(second, world.team_id) == OUT
    assert world.status(first, world.other_team_id) == IN
    assert world.status(second, world.other_team_id) is None
    row = world.history(second if old_one == OUT else first, world.team_id)[-1]
    assert (row.status, row.source, row.user_name) == (OUT, Source.MERGE, "Cadence, by itself")
    assert (old if old_one == OUT else new) in row.reason
    assert listed(world) == {first: old}
    assert why_not(world, first, world.other_shared) == UNSENDABLE


def test_what_the_older_spelling_said_holds_for_the_present_one(world: World) -> None:
    old, new = mexican()
    world.text(old, "STOPALL", world.personal)
    world.text(old, "please take me off this", world.other_shared)
    first, second = world.contact_id(old), world.add_contact(new)
    opt(world, second, IN, world.other_team_id)
    read_again(world)
    assert world.status(second, world.team_id) == OUT
    assert world.status(second, world.other_team_id) == OUT
    with world.session():
        scopes = {block.scope for block in blocks.blocks_of(second)}
        assert {BlockScope.PERSONAL, BlockScope.ORGANISATION} <= scopes
        stopped = db.session.scalar(
            text("SELECT stopped_at FROM consents WHERE contact_id = :id AND team_id = :team"),
            {"id": second, "team": world.team_id},
        )
        assert stopped is not None
    assert first != second


def test_words_that_nobody_has_decided_about_hold_both(world: World) -> None:
    old, new = mexican()
    world.text(old, "please take me off this")
    second = world.add_contact(new)
    opt(world, second, IN)
    read_again(world)
    with world.session():
        assert possible.open_flag(second, world.team_id)
    assert why_not(world, second, by_hand=False)


@pytest.mark.parametrize("texted", ["old", "new"])
def test_the_list_offers_the_merge_which_leaves_one_number(world: World, texted: str) -> None:
    old, new = mexican()
    first, second = world.add_contact(old), world.add_contact(new)
    for contact_id in (first, second):
        opt(world, contact_id, IN)
    read_again(world)
    page = world.sign_in("admin").get("/contacts/to-mend").text
    assert f"/contacts/{second}/merge/{first}?kept={second}" in page
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        merging.merge(admin, second, first, first if texted == "old" else second)
    assert number_of(world, second) == new
    assert current_numbers(world, second) == {new}
    assert listed(world) == {}
    assert why_not(world, second) is None


def test_a_merge_takes_the_bar_of_a_number_along(world: World) -> None:
    first, second = world.add_contact("+15550145"), world.add_contact()
    for contact_id in (first, second):
        opt(world, contact_id, IN)
    read_again(world)
    with world.session():
        merging.merge(db.session.get_one(User, world.admin_id), second, first, first)
    assert listed(world) == {second: "+15550145"}
    assert why_not(world, second) == UNSENDABLE


def test_an_erased_person_leaves_the_list(world: World) -> None:
    contact_id = world.add_contact("+15550145")
    opt(world, contact_id, IN)
    read_again(world)
    with world.session():
        erasing.erase(db.session.get_one(User, world.admin_id), contact_id, "Asked for it.")
        assert db.session.scalar(select(func.count()).select_from(NumberToMend)) == 0


def test_an_erased_older_spelling_bars_the_present_one_until_that_phone_texts_start(world: World) -> None:
    old, new = mexican()
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    with world.session():
        erasing.erase(db.session.get_one(User, world.admin_id), contact_id, "Asked for it.")
    world.text(new, "Who is this?")
    again = world.contact_id(new)
    assert world.status(again, world.team_id) == OUT
    world.text(new, "START")
    assert world.status(again, world.team_id) == IN
    with world.session():
        assert not blocks.stopped_everywhere([again])


def test_a_respelled_number_of_an_erased_person_opts_out(world: World) -> None:
    old, new = mexican()
    erased = world.add_contact(new)
    opt(world, erased, IN)
    with world.session():
        erasing.erase(db.session.get_one(User, world.admin_id), erased, "Asked for it.")
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    read_again(world)
    assert (number_of(world, contact_id), world.status(contact_id, world.team_id)) == (new, OUT)


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
        seen, after = [], 0
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


# Before the stored numbers were read again: the older spelling is stored, and carriers write the present one.


@pytest.fixture
def due(world: World) -> World:
    make_due(world)
    return world


def people(world: World) -> int:
    with world.session():
        return db.session.scalars(select(func.count()).select_from(Contact)).one()


def _text(world: World, new: str) -> None:
    world.text(new, "STOP")


def _bulk(world: World, new: str) -> None:
    records = [{"number": new, "team": "ADM", "status": OUT}]
    assert make_api(world).post("/consents/bulk", json={"records": records}).get_json()["changed"] == 1


def _file(world: World, new: str) -> None:
    importing.run(world, importing.csv_of(("", "", "", new, "ADM", "yes")))


def _added_by_api(world: World, new: str) -> None:
    answer = make_api(world).post("/contacts", json={"number": new, "team": "ADM"}).get_json()
    assert answer["existed"]
    make_api(world).set(answer["contact"]["id"], OUT)


@pytest.mark.parametrize("way", [_text, _bulk, _file, _added_by_api])
def test_an_opt_out_by_the_present_spelling_finds_who_is_stored_by_the_older_one(
    due: World, way: Callable[[World, str], None]
) -> None:
    old, new = mexican()
    contact_id = due.add_contact(old)
    opt(due, contact_id, IN)
    before = people(due)
    way(due, new)
    assert (due.status(contact_id), people(due)) == (OUT, before)


def test_start_before_the_numbers_are_read_again_opts_the_same_person_in(due: World) -> None:
    old, new = mexican()
    contact_id = due.add_contact(old)
    opt(due, contact_id, IN)
    due.text(new, "STOP")
    due.text(new, "START")
    assert due.status(contact_id) == IN
    read_again(due)
    assert (due.status(contact_id), number_of(due, contact_id)) == (IN, new)


def test_a_stop_before_the_numbers_are_read_again_stays_with_the_number(due: World) -> None:
    old, new = mexican()
    contact_id = due.add_contact(old)
    opt(due, contact_id, IN)
    due.text(new, "STOP")
    read_again(due)
    assert due.status(contact_id) == OUT
    text_at(due, contact_id, new_number())
    assert due.status(add_by_hand(due, new)) == OUT


def test_nothing_is_sent_to_an_older_spelling_before_it_is_read_again(due: World) -> None:
    """Another contact may have it in the present one, and have stopped."""
    old, new = mexican()
    contact_id, other = due.add_contact(old), due.add_contact(new)
    opt(due, contact_id, IN)
    opt(due, other, IN)
    due.text(new, "STOP")
    assert (due.status(contact_id), due.status(other)) == (IN, OUT)
    assert why_not(due, contact_id) == UNSENDABLE
    campaign_id = add_campaign(due, segment=Segment(Who.PICKED, contact_ids=(contact_id,)))
    with due.session():
        reason = select(Recipient.reason).where(
            Recipient.campaign_id == campaign_id, Recipient.contact_id == contact_id
        )
        assert db.session.scalars(reason).one() == Reason.NUMBER_UNSENDABLE
    read_again(due)
    assert (due.status(contact_id), due.status(other)) == (OUT, OUT)
