"""Evidence of a yes: recorded once, never changed, and only for the opt in that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import by_user, evidence, evidence_basis, evidence_by_user, first_status, seals
from cadence_app.consent.by_api import Wanted, set_by_api
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.models import Consent, Status
from cadence_app.extensions import db
from tests.world import World, new_number

_PAPER = Given(Method.PAPER, date(2026, 3, 3), words="Yes, text me", collected_by="Ana at the desk")


def _add(world: World, given: Given | None, number: str | None = None) -> int:
    contact_id = world.add_contact(number)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        first_status.add_by_user(admin, contact_id, world.team_id, given=given)
        db.session.commit()
    return contact_id


def _set(world: World, contact_id: int, status: Status, reason: str = "", given: Given | None = None) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        by_user.set_by_user(admin, contact_id, world.team_id, status, reason, given)
        db.session.commit()


def _rests_on(world: World, contact_id: int) -> tuple[Sequence[str], bool]:
    """The words of the evidence, and whether a text is one; the same as the statement for many says."""
    with world.session():
        basis = evidence_basis.basis_of(contact_id, world.team_id)
        of_many = select(Consent).where(
            Consent.contact_id == contact_id,
            Consent.team_id == world.team_id,
            Consent.status == Status.OPTED_IN,
            evidence_basis.rests_on_evidence(),
        )
        assert bool(basis) == (db.session.scalars(of_many).one_or_none() is not None)
        return [each.words for each in basis.evidence], basis.text is not None


def test_a_contact_added_with_evidence_rests_on_it_with_everything_that_was_said(world: World) -> None:
    given = Given(
        *(Method.WEB_FORM, None, datetime(2026, 3, 4, 1, 30, tzinfo=UTC), "I agree to texts"),
        *("https://lakeside.example/join", bytes(32), "203.0.113.7", "The website"),
    )
    number = new_number()
    contact_id = _add(world, given, number)
    with world.session():
        (row,) = evidence_basis.basis_of(contact_id, world.team_id).evidence
        # Half past one in UTC is the evening before in New York.
        assert (row.agreed_on, row.agreed_at) == (date(2026, 3, 3), given.agreed_at)
        assert (row.words, row.page_url, row.sha256) == (given.words, given.page_url, given.sha256)
        assert (row.ip, row.collected_by, row.number) == (given.ip, given.collected_by, number)
        admin = db.session.get_one(User, world.admin_id)
        assert (row.way, row.user_id, row.user_name) == (Way.ADDED, admin.id, admin.name)
        consent = db.session.get_one(Consent, (contact_id, world.team_id))
        assert row.recorded_at >= consent.since


def test_without_evidence_nothing_is_recorded_and_nothing_made_up(world: World) -> None:
    assert _rests_on(world, _add(world, None)) == ([], False)


def test_a_first_text_and_a_start_are_evidence_of_themselves_until_a_stop(world: World) -> None:
    number = new_number()
    world.text(number, "Hello, when do classes begin?")
    contact_id = world.contact_id(number)
    assert _rests_on(world, contact_id) == ([], True)
    world.text(number, "STOP")
    assert _rests_on(world, contact_id) == ([], False)
    world.text(number, "START")
    assert _rests_on(world, contact_id) == ([], True)


def test_a_consent_rests_on_all_that_was_recorded_since_the_opt_in_and_nothing_from_before(
    world: World,
) -> None:
    contact_id = _add(world, _PAPER)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        later = Given(Method.SPOKEN, words="Said so again")
        evidence.record([(contact_id, world.team_id)], later, Way.RECORD, admin)
        db.session.commit()
    assert _rests_on(world, contact_id) == (["Yes, text me", "Said so again"], False)
    _set(world, contact_id, Status.OPTED_OUT)
    assert _rests_on(world, contact_id) == ([], False)
    _set(world, contact_id, Status.OPTED_IN)
    assert _rests_on(world, contact_id) == ([], False)


def test_what_was_agreed_before_the_last_opt_out_is_kept_and_carries_no_later_opt_in(world: World) -> None:
    contact_id = _add(world, None)
    _set(world, contact_id, Status.OPTED_OUT)
    _set(world, contact_id, Status.OPTED_IN, given=_PAPER)
    assert _rests_on(world, contact_id) == ([], False)
    with world.session():
        assert [each.words for each in evidence.evidence_of(contact_id)] == ["Yes, text me"]
        today = datetime.now(UTC)
    _set(world, contact_id, Status.OPTED_OUT)
    since = Given(Method.SPOKEN, agreed_at=today + timedelta(days=1), words="Called back")
    _set(world, contact_id, Status.OPTED_IN, given=since)
    assert _rests_on(world, contact_id) == (["Called back"], False)


def test_evidence_that_comes_while_they_are_out_carries_no_opt_in_that_comes_later(world: World) -> None:
    contact_id = _add(world, None)
    _set(world, contact_id, Status.OPTED_OUT)
    with world.session():
        evidence.record([(contact_id, world.team_id)], Given(Method.IMPORT, words="A file"), Way.IMPORT, "x")
        db.session.commit()
    _set(world, contact_id, Status.OPTED_IN)
    assert _rests_on(world, contact_id) == ([], False)


def test_another_system_gives_proof_for_an_opt_in_and_for_who_is_in_already(world: World) -> None:
    contact_id = world.add_contact()
    for words in ("first", "again"):
        with world.session():
            given = Given(Method.API, words=words)
            wanted = Wanted(contact_id, world.team_id, Status.OPTED_IN, given=given)
            set_by_api([wanted], "Student system (API)")
            db.session.commit()
    assert _rests_on(world, contact_id) == (["first", "again"], False)


def test_proof_of_before_their_opt_out_that_is_sent_again_and_again_is_one_row(world: World) -> None:
    contact_id = _add(world, None)
    _set(world, contact_id, Status.OPTED_OUT)
    for _ in range(3):
        with world.session():
            wanted = Wanted(contact_id, world.team_id, Status.OPTED_IN, "They rang.", given=_PAPER)
            set_by_api([wanted], "Student system (API)")
            db.session.commit()
    assert _rests_on(world, contact_id) == ([], False)
    with world.session():
        assert [each.words for each in evidence.evidence_of(contact_id)] == ["Yes, text me"]


def test_the_same_entered_for_another_opt_in_a_moment_later_is_recorded_for_that_too(world: World) -> None:
    contact_id = _add(world, None)
    spoken = Given(Method.SPOKEN, words="At the desk")

    def enter() -> bool:
        with world.session():
            admin = db.session.get_one(User, world.admin_id)
            recorded = evidence_by_user.add(admin, contact_id, world.team_id, spoken)
            db.session.commit()
            return recorded

    assert (enter(), enter()) == (True, False)
    for status in (Status.OPTED_OUT, Status.OPTED_IN):
        _set(world, contact_id, status)
    assert (enter(), enter()) == (True, False)
    assert _rests_on(world, contact_id) == (["At the desk"], False)


@pytest.mark.parametrize("change", [update(Evidence).values(words="changed"), delete(Evidence)])
def test_no_row_of_evidence_is_changed_or_deleted(world: World, change: Any) -> None:
    contact_id = _add(world, _PAPER)
    with (
        create_engine(world.app.config["SUPERUSER_URL"]).connect() as behind,
        pytest.raises(IntegrityError, match="append-only"),
    ):
        behind.execute(change.where(Evidence.contact_id == contact_id))


def test_evidence_is_written_on_a_day_that_is_open_only(world: World) -> None:
    contact_id = _add(world, _PAPER)
    with world.session():
        db.session.execute(update(Tenant).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
        db.session.commit()
        assert seals.seal_closed_days() > 0
        row = db.session.scalars(select(Evidence).where(Evidence.contact_id == contact_id)).one()
        values = {column.name: getattr(row, column.name) for column in Evidence.__table__.columns}
        del values["id"]
        with pytest.raises(IntegrityError, match="is refused: the history is sealed up to"):
            db.session.execute(insert(Evidence), [values | {"recorded_at": datetime(2026, 1, 2, tzinfo=UTC)}])
