"""Erasing a person: nothing of them is left, what was decided is, proven as before, and nobody texts them."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.models import AuditEntry, Team, User
from cadence_app.api import bulk
from cadence_app.api.schemas import BulkRecord
from cadence_app.consent import service as consent
from cadence_app.contacts import phones, service, tags
from cadence_app.contacts.certificate import Proof, certify
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.consent.history import check, flip, seal
from tests.contacts.people import IN, OUT, add_number, erase, merge, opt
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
        found = []
        for table in tables:
            if not db.session.scalar(text(f"SELECT has_table_privilege('{table}', 'SELECT')")):
                continue
            found += db.session.scalars(text(f"SELECT t::text FROM {table} t")).all()
        return "\n".join(found)


def talk(world: World) -> tuple[int, str, str]:
    """A named contact with texts, a further number, a tag and a merged record; their id and numbers."""
    number, other, merged = new_number(), new_number(), new_number()
    received = world.text(number, f"I am {NAME}")
    world.text(number, f"please stop texting me, {NAME}")
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
    merge(world, contact_id, world.contact_id_of(world.text(merged, f"{NAME} too").conversation_id))
    return contact_id, number, other


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
            consent.add_by_user(user, again, team.id)
            db.session.commit()
        elif way == "api":
            again = world.add_contact(number)
            answer = bulk.apply([BulkRecord(number=number, team="ADM", status="opted_in")], "API")
            assert answer.results[0].code == "reason_required"
            return
        elif way == "further number":
            again = world.add_contact()
            phones.add_number(user, again, number, "Theirs now.")
            consent.add_by_user(user, again, team.id)
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
    erase_count = text("SELECT count(*) FROM erased_numbers")
    with world.session():
        assert db.session.scalar(erase_count) == 0


def test_the_number_is_kept_in_no_readable_form_and_under_a_key_that_is_not_in_the_database(
    world: World,
) -> None:
    number = new_number()
    erase(world, world.contact_id_of(world.text(number, "Hello").conversation_id))
    with world.session():
        kept = db.session.scalar(text("SELECT digest FROM erased_numbers"))
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
