"""Erasing a person: nothing of them is left, what was decided is, proven as before, and nobody texts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.models import AuditEntry, Team, User
from cadence_app.api import bulk
from cadence_app.api.schemas import BulkRecord
from cadence_app.campaigns.models import Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.consent import first_status
from cadence_app.contacts import service, tags
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.carriers import intake
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.models import ScheduledText
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.messaging.providers.events import Text as CarrierText
from cadence_app.records import phones
from cadence_app.records.certificate import certify
from cadence_app.records.sealed_rows import Proof
from cadence_app.retention import holds
from cadence_app.retention.protecting import OnHold
from cadence_app.webhooks import service as webhooks
from cadence_app.webhooks.models import WebhookAttempt, WebhookDelivery
from tests.campaigns.sending import add_campaign, send
from tests.consent.history import check, flip, seal
from tests.contacts import importing
from tests.records.people import IN, OUT, add_number, erase, merge, opt, text_at
from tests.world import World, new_number

NAME = "Quetzalcoatl"


def everything(world: World) -> str:
    """Every row of the tenant in every table that has a tenant, as text."""
    with world.session():
        tables = db.session.scalars(
            text(
                "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant_id'"
                " AND table_schema = 'public'"
            )
        ).all()
        found: list[str] = []
        for table in tables:
            if not db.session.scalar(text(f"SELECT has_table_privilege('{table}', 'SELECT')")):
                continue
            found += db.session.scalars(text(f"SELECT t::text FROM {table} t")).all()
        return "\n".join(found)


def talk(world: World) -> tuple[int, str, str]:
    """A named contact with texts, a further number, a tag and a merged record; their id and numbers."""
    number, other, merged = new_number(), new_number(), new_number()
    received = world.text(number, f"I am {NAME}")
    world.text(number, f"{NAME}?", inbox=world.personal)
    contact_id = world.contact_id_of(received.conversation_id)
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        contact = db.session.get_one(Contact, contact_id)
        service.edit_contact(
            user, contact, {"1": NAME}, first_name=NAME, last_name=NAME, external_id=f"{NAME}-1"
        )
        tags.add_tag(user, contact, "Transfers")
    add_number(world, contact_id, other)
    take_part(world, contact_id, received.conversation_id, number)
    waits = importing.csv_of(("", NAME, f"{NAME}-1", number, "ADM", ""), ("", NAME, "", other, "ADM", ""))
    importing.check(world, importing.upload(world, waits))
    world.text(number, f"please stop texting me, {NAME}")
    merge(world, contact_id, world.contact_id_of(world.text(merged, f"{NAME} too").conversation_id))
    return contact_id, number, other


def take_part(world: World, contact_id: int, conversation_id: int, number: str) -> None:
    """Puts them on the lists of campaigns, one that is sent and one that was pasted, and into a text for
    later, a webhook with its answer, and a carrier's post that could not be read."""
    send(world, add_campaign(world, Segment(Who.PICKED, contact_ids=(contact_id,)), "Dear {first_name}"))
    pasted = (f"({number[2:5]}) {number[5:8]}-{number[8:]}", f"{NAME}-1", f"{NAME}-1", new_number())
    add_campaign(world, Segment(Who.PASTED, entries=pasted))
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        endpoint, _ = webhooks.add_endpoint(admin, webhooks.Plan("http://127.0.0.1:9/", "", [], []))
        delivery = WebhookDelivery(
            tenant_id=world.tenant_id,
            endpoint_id=endpoint.id,
            contact_id=contact_id,
            event_id="chg",
            body=f'{{"number": "{number}"}}',
        )
        db.session.add(delivery)
        db.session.flush()
        now = datetime.now(UTC)
        answer = WebhookAttempt(
            tenant_id=world.tenant_id, delivery_id=delivery.id, at=now, milliseconds=1, response=NAME
        )
        later = ScheduledText(
            tenant_id=world.tenant_id,
            conversation_id=conversation_id,
            user_id=world.agent_id,
            body=f"See you, {NAME}",
            send_at=now + timedelta(days=1),
        )
        account = add_account(admin, "twilio")
        account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
        note = Note(
            tenant_id=world.tenant_id,
            conversation_id=conversation_id,
            user_id=world.agent_id,
            body=f"{NAME} rang",
        )
        db.session.add_all([answer, later, account, note])
        db.session.flush()
        post = CarrierText(world.shared, number, f"{NAME} again", "id", now)
        intake.keep(account, [post])


def test_nothing_of_the_person_is_left_anywhere(world: World) -> None:
    contact_id, number, other = talk(world)
    flip(world, world.add_contact(), 3)
    seal(world)
    rows = world.history(contact_id)
    assert NAME in everything(world)
    erase(world, contact_id)
    left = everything(world)
    assert [each for each in (NAME, number, other) if each in left] == []
    after = world.history(contact_id)
    assert [(row.id, row.status, row.changed_at) for row in after] == [
        (row.id, row.status, row.changed_at) for row in rows
    ]
    assert {row.reason for row in after} == {"Erased: Asked for, GDPR article 17."}
    assert check(world).intact


def test_what_they_waited_for_does_not_go_and_lists_keep_their_count(world: World) -> None:
    contact_id = talk(world)[0]
    waiting = add_campaign(world, Segment(Who.PICKED, contact_ids=(contact_id,)))
    with world.session():
        listed = update(Recipient).where(Recipient.campaign_id == waiting)
        db.session.execute(listed.values(state="waiting", reason=""))
        db.session.commit()
        before = db.session.scalar(select(func.count()).select_from(Recipient))
    erase(world, contact_id)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Recipient)) == before
        theirs = select(Recipient.state).where(Recipient.campaign_id == waiting)
        assert db.session.scalars(theirs).all() == ["suppressed"]
        assert db.session.scalars(select(ScheduledText.state)).all() == ["cancelled"]
        assert db.session.scalars(select(WebhookDelivery.id)).all() == []


def test_a_stop_from_a_number_that_they_once_had_is_its_new_owners(world: World) -> None:
    number = new_number()
    former = world.contact_id_of(world.text(number, "Hello").conversation_id)
    text_at(world, former, new_number())
    owner = world.contact_id_of(world.text(number, "Hi, this is Ben").conversation_id)
    assert owner != former
    with world.session():
        account = add_account(db.session.get_one(User, world.admin_id), "twilio")
        account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
        db.session.add(account)
        db.session.flush()
        (event_id,) = intake.keep(
            account, [CarrierText(world.shared, number, "STOP", "id", datetime.now(UTC))]
        )
    erase(world, former)
    with world.session():
        intake.take_in(event_id)
    assert world.status(owner) == OUT


@pytest.mark.parametrize("act", ["erase", "merge"])
def test_one_on_legal_hold_stays_and_the_page_says_why(world: World, act: str) -> None:
    contact_id, other_id = world.add_contact(), world.add_contact()
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        holds.set_hold(admin, db.session.get_one(Contact, contact_id), "Case 12")
    browser, page = world.sign_in("admin"), f"/contacts/{contact_id}/{act}"
    form = {"reason": "Asked for."}
    if act == "merge":
        page, form = f"{page}/{other_id}?kept={other_id}", {"kept": str(other_id)}
    assert "On legal hold" in browser.get(page).text
    assert "legal hold" in browser.get(browser.post(page, form, token_from="/account/").location).text
    with world.session():
        assert db.session.get_one(Contact, contact_id).gone_at is None
    with pytest.raises(OnHold):
        erase(world, contact_id) if act == "erase" else merge(world, other_id, contact_id)


def test_an_erased_history_is_proven_on_its_certificate(world: World) -> None:
    contact_id = world.add_contact()
    flip(world, contact_id, 5, 3)
    seal(world)
    erase(world, contact_id)
    assert check(world).intact
    with world.session():
        certificate = certify(db.session.get_one(User, world.admin_id), contact_id)
        assert certificate
        assert {entry.proof for entry in certificate.entries} == {Proof.ERASED}


@pytest.mark.parametrize("way", ["by hand", "first text", "api", "further number", "import"])
def test_an_erased_number_starts_opted_out_however_it_comes_back(world: World, way: str) -> None:
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "Hello").conversation_id)
    erase(world, contact_id)
    with world.session():
        user, team = db.session.get_one(User, world.agent_id), db.session.get_one(Team, world.team_id)
        if way == "by hand":
            again = service.add_contact(user, team, number, "Maya", "Chen", "").id
        elif way == "import":
            again = world.add_contact(number)
            first_status.add_by_user(user, again, team.id)
            db.session.commit()
        elif way == "api":
            again = world.add_contact(number)
            answer = bulk.apply([BulkRecord(number=number, team="ADM", status="opted_in")], "API")
            assert (answer.results[0].code, answer.results[0].status) == ("number_stopped", OUT)
            db.session.commit()
        elif way == "further number":
            again = world.add_contact()
            phones.add_number(user, again, number, "Theirs now.")
            first_status.add_by_user(user, again, team.id)
            db.session.commit()
        else:
            again = world.contact_id_of(world.text(number, "Hello again").conversation_id)
    (row,) = world.history(again)
    assert row.status == OUT
    assert "was of a person who was erased" in row.reason


def test_a_start_from_the_phone_itself_lifts_it_for_good(world: World) -> None:
    number = new_number()
    erase(world, world.contact_id_of(world.text(number, "Hello").conversation_id))
    again = world.contact_id_of(world.text(number, "START").conversation_id)
    assert world.status(again) == IN
    erase_count = text("SELECT count(*) FROM number_stops")
    with world.session():
        assert db.session.scalar(erase_count) == 0


def test_the_number_is_kept_in_no_readable_form_and_under_a_key_that_is_not_in_the_database(
    world: World,
) -> None:
    number = new_number()
    erase(world, world.contact_id_of(world.text(number, "Hello").conversation_id))
    with world.session():
        kept = db.session.scalar(text("SELECT digest FROM number_stops"))
        for guess in (f"sha256('{number}')", f"sha256(('{world.tenant_id} {number}')::bytea)"):
            assert db.session.scalar(text(f"SELECT {guess}")) != kept
        db.session.execute(text("SELECT set_config('cadence.number_key', '', true)"))
        with pytest.raises(DBAPIError, match="no key is set"):
            db.session.execute(text(f"SELECT number_digest({world.tenant_id}, '{number}')"))


def test_the_audit_log_tells_of_it_without_the_person(world: World) -> None:
    contact_id = talk(world)[0]
    erase(world, contact_id)
    with world.session():
        entries = db.session.scalars(select(AuditEntry)).all()
        assert {"contact.edited", "contact.merged", "contact.erased"} <= {entry.action for entry in entries}
        assert not [entry for entry in entries if NAME in f"{entry.subject}{entry.changes}"]


def test_a_status_of_one_who_is_gone_can_not_be_written(world: World) -> None:
    contact_id = world.add_contact()
    opt(world, contact_id, IN)
    erase(world, contact_id)
    with pytest.raises(ValueError, match="no contact"):
        opt(world, contact_id, OUT)
