from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.models import User
from cadence_app.consent import by_user
from cadence_app.consent.first_status import record_first
from cadence_app.consent.ledger import Change, record_change, record_changes
from cadence_app.consent.models import Consent, Source, Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from tests import sizes
from tests.world import World, new_number

# What may happen to one contact: who does it, and with what.
EVENTS = st.one_of(
    st.tuples(
        st.just("text"),
        st.sampled_from(["STOP", "start", "Yes", "hello", "HELP", "stop all", "please stop texting me"]),
        st.sampled_from(["shared", "other_shared", "personal", "toll_free"]),
    ),
    st.tuples(st.just("toggle"), st.sampled_from(list(Status)), st.sampled_from(["", "They signed a form."])),
    st.tuples(st.just("import"), st.sampled_from(list(Status)), st.just("")),
)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(8, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(EVENTS, max_size=12))
def test_the_status_is_the_fold_of_its_history_and_history_only_grows(
    world: World, events: list[tuple[str, str, str]]
) -> None:
    number = new_number()
    world.text(number, "first text")
    contact_id = world.contact_id(number)
    before: list[tuple[object, ...]] = []
    for kind, what, how in events:
        if kind == "text":
            world.text(number, what, getattr(world, how))
        else:
            with world.session():
                try:
                    if kind == "toggle":
                        user = db.session.get_one(User, world.agent_id)
                        by_user.set_by_user(user, contact_id, world.team_id, Status(what), how)
                    else:
                        record_change(Change(contact_id, world.team_id, Status(what), Source.IMPORT))
                except by_user.ReasonRequired:
                    assert what == Status.OPTED_IN
                db.session.commit()
        rows = world.history(contact_id)
        now: list[tuple[object, ...]] = [
            (row.id, row.team_id, row.status, row.changed_at, row.source) for row in rows
        ]
        assert now[: len(before)] == before
        before = now
        for team_id in (world.team_id, world.other_team_id):
            statuses = [row.status for row in rows if row.team_id == team_id]
            assert all(a != b for a, b in pairwise(statuses))
            times = [row.changed_at for row in rows if row.team_id == team_id]
            assert all(a < b for a, b in pairwise(times))
            assert world.status(contact_id, team_id) == (statuses[-1] if statuses else None)


def test_repeating_a_status_adds_no_row(world: World) -> None:
    contact_id = world.add_contact()
    with world.session():
        first = record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        again = record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, Source.KEYWORD))
        db.session.commit()
    assert first is not None
    assert again is None
    assert len(world.history(contact_id)) == 1


def test_a_row_keeps_the_names_of_its_moment(world: World) -> None:
    contact_id = world.add_contact(first_name="Maya", last_name="Chen", external_id="00123")
    with world.session():
        record_change(Change(contact_id, world.team_id, Status.OPTED_IN, Source.MANUAL_ADD))
        db.session.execute(
            text("UPDATE contacts SET first_name = 'Other' WHERE id = :id"), {"id": contact_id}
        )
        db.session.execute(text("UPDATE teams SET code = 'NEW' WHERE id = :id"), {"id": world.team_id})
        record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        db.session.commit()
    old, new = world.history(contact_id)
    assert (old.first_name, old.external_id, old.team_code) == ("Maya", "00123", "ADM")
    assert (new.first_name, new.team_code) == ("Other", "NEW")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE opt_out_changes SET status = 'opted_in'",
        "DELETE FROM opt_out_changes",
        "TRUNCATE opt_out_changes CASCADE",
    ],
)
def test_history_refuses_to_be_changed_even_by_its_owner(world: World, statement: str) -> None:
    with world.session():
        record_change(Change(world.add_contact(), world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        db.session.commit()
    engine = db.create_engine(world.app.config["SUPERUSER_URL"])
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(statement))
    engine.dispose()


def test_a_status_without_its_history_row_is_refused(world: World) -> None:
    contact_id = world.add_contact()
    with world.session():
        record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        db.session.commit()
        with pytest.raises(DBAPIError, match="no matching history row"):
            db.session.execute(
                text("UPDATE consents SET status = 'opted_in' WHERE contact_id = :id"), {"id": contact_id}
            )


def test_a_rolled_back_change_leaves_neither_status_nor_row(world: World) -> None:
    contact_id = world.add_contact()
    with world.session():
        record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        db.session.rollback()
    assert world.status(contact_id) is None
    assert world.history(contact_id) == []


def test_many_changes_at_once_answer_in_their_order(world: World) -> None:
    contacts = [world.add_contact() for _ in range(5)]
    with world.session():
        record_change(Change(contacts[2], world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        ids = record_changes(
            [Change(c, world.team_id, Status.OPTED_OUT, Source.IMPORT) for c in reversed(contacts)]
        )
        db.session.commit()
    assert [change_id is None for change_id in ids] == [False, False, True, False, False]
    for contact_id, change_id in zip(reversed(contacts), ids, strict=True):
        if change_id:
            assert world.history(contact_id)[-1].id == change_id


def test_a_change_older_than_the_status_is_refused(world: World) -> None:
    contact_id = world.add_contact()
    with world.session():
        record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        late = datetime.now(UTC) - timedelta(days=1)
        with pytest.raises(ValueError, match="newer status"):
            record_change(Change(contact_id, world.team_id, Status.OPTED_IN, Source.TOGGLE, at=late))


@pytest.mark.sized
def test_many_concurrent_flips_and_stops_leave_an_alternating_history(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    failures: list[BaseException] = []
    count = sizes.size(60, 400)

    def act(index: int) -> None:
        try:
            if index % 2:
                world.text(number, random.choice(["STOP", "START"]))
                return
            with world.session():
                user = db.session.get_one(User, world.agent_id)
                status = random.choice(list(Status))
                by_user.set_by_user(user, contact_id, world.team_id, status, "They asked on the phone.")
                db.session.commit()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=act, args=(index,)) for index in range(count)]
    for start in range(0, count, 20):
        batch = threads[start : start + 20]
        for thread in batch:
            thread.start()
        for thread in batch:
            thread.join()
    assert failures == []
    rows = world.history(contact_id)
    assert len(rows) > 2
    assert all(a.status != b.status and a.changed_at < b.changed_at for a, b in pairwise(rows))
    assert rows[-1].status == world.status(contact_id)


def test_another_tenants_contact_can_not_be_changed(world: World, legacy_world: World) -> None:
    theirs = legacy_world.add_contact()
    with world.session():
        with pytest.raises(ValueError, match="no contact"):
            record_change(Change(theirs, world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        assert db.session.get(Consent, (theirs, world.team_id)) is None


def test_every_tenant_table_has_row_level_security_and_the_app_can_not_bypass_it(world: World) -> None:
    with world.session():
        unguarded = db.session.scalars(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE c.relkind = 'r' AND a.attname = 'tenant_id' AND NOT c.relrowsecurity"
                " AND c.relnamespace = 'public'::regnamespace"
            )
        ).all()
        role = db.session.execute(
            text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).one()
    assert unguarded == []
    assert tuple(role) == ("cadence_app", False, False)


def test_without_a_tenant_nothing_is_seen(world: World) -> None:
    with world.app.app_context():
        assert db.session.query(Inbox).count() == 0


def test_nobody_is_opted_in_by_a_number_that_is_not_the_one_they_are_texted_at(world: World) -> None:
    contact_id = world.add_contact()
    with world.session():
        first = Change(contact_id, world.team_id, Status.OPTED_IN, Source.COLD_INBOUND)
        assert record_first(first, texted=False)
        db.session.commit()
    (row,) = world.history(contact_id)
    assert (row.status, row.reason) == (
        Status.OPTED_OUT,
        "Added by another number of theirs; consent is for the one texted.",
    )
