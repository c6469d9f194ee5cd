"""What a consent rests on when two records are merged, and when a person's number changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from cadence_app.accounts.models import User
from cadence_app.consent import evidence, evidence_basis
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_by_user import AgreedBefore
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.merge_and_number_change import number_changed
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.consent.history import check, seal
from tests.records.people import IN, OUT, erase, known, merge, opt, text_at
from tests.world import World, new_number

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()
LAST_YEAR = YESTERDAY - timedelta(days=365)


def _agree(world: World, contact_id: int, words: str, agreed_on: date | None = None) -> None:
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        given = Given(Method.PAPER, agreed_on, words=words)
        evidence.record([(contact_id, world.team_id)], given, Way.RECORD, agent)
        db.session.commit()


def _rests_on(world: World, contact_id: int) -> list[str]:
    with world.session():
        return [each.words for each in evidence_basis.basis_of(contact_id, world.team_id).evidence]


def _all_of(world: World, contact_id: int) -> Sequence[Evidence]:
    with world.session():
        rows = evidence.evidence_of(contact_id)
        db.session.expunge_all()
        return rows


def _change_number(world: World, contact_id: int, given: Given | None, reason: str = "They rang.") -> str:
    """Gives a contact another number, as records/phones.py does; the new one."""
    number = new_number()
    with world.session():
        lock_contacts([contact_id])
        contact = db.session.get_one(Contact, contact_id)
        before, contact.number = contact.number, number
        db.session.flush()
        number_changed(db.session.get_one(User, world.agent_id), contact_id, before, reason, given)
        db.session.commit()
    return number


def test_after_a_merge_the_kept_consent_rests_on_what_is_of_its_number_and_all_of_it_is_kept(
    world: World,
) -> None:
    kept, gone = known(world), known(world)
    _agree(world, kept, "of the kept")
    _agree(world, gone, "of the other")
    before = {row.id: (row.contact_id, row.number) for row in _all_of(world, gone)}
    merge(world, kept, gone)
    assert _rests_on(world, kept) == ["of the kept"]
    assert _rests_on(world, gone) == []
    rows = {row.id: (row.contact_id, row.number) for row in _all_of(world, kept)}
    assert before.items() <= rows.items()
    assert {contact_id for contact_id, _ in rows.values()} == {kept, gone}
    seal(world)
    assert check(world).intact


def test_a_merge_brings_no_evidence_over_an_opt_out_of_either(world: World) -> None:
    kept, gone = known(world), known(world)
    _agree(world, gone, "of the other")
    opt(world, kept, OUT)
    merge(world, kept, gone)
    assert (world.status(kept), _rests_on(world, kept)) == (OUT, [])
    opt(world, kept, IN)
    assert _rests_on(world, kept) == []
    _agree(world, kept, "since")
    assert _rests_on(world, kept) == ["since"]
    assert [row.words for row in _all_of(world, kept)] == ["of the other", "since"]


def test_who_is_erased_after_a_merge_has_no_words_in_the_evidence_of_either_record(world: World) -> None:
    kept, gone = known(world), known(world)
    _agree(world, kept, "of the kept")
    _agree(world, gone, "of the other")
    merge(world, kept, gone)
    erase(world, kept, "Asked for.")
    for contact_id in (kept, gone):
        assert [row.words for row in _all_of(world, contact_id)] == ["Erased: Asked for."]


def test_a_changed_number_leaves_the_evidence_of_the_old_one_behind(world: World) -> None:
    contact_id = known(world)
    _agree(world, contact_id, "for the old number")
    assert _rests_on(world, contact_id) == ["for the old number"]
    text_at(world, contact_id, new_number())
    assert (world.status(contact_id), _rests_on(world, contact_id)) == (OUT, [])
    opt(world, contact_id, IN)
    assert _rests_on(world, contact_id) == []
    assert [row.words for row in _all_of(world, contact_id)] == ["for the old number"]


@pytest.mark.parametrize("agreed_on", [None, YESTERDAY, LAST_YEAR])
def test_what_they_agreed_to_for_the_new_number_is_what_it_rests_on_whenever_that_was(
    world: World, agreed_on: date | None
) -> None:
    contact_id = known(world)
    _agree(world, contact_id, "for the old number")
    number = _change_number(world, contact_id, Given(Method.PAPER, agreed_on, words="for the new one"))
    assert (world.status(contact_id), _rests_on(world, contact_id)) == (IN, ["for the new one"])
    assert _all_of(world, contact_id)[-1].number == number
    assert _all_of(world, contact_id)[-1].way == Way.NUMBER_CHANGE


def test_evidence_of_before_the_change_that_is_entered_later_is_not_of_the_new_number(world: World) -> None:
    contact_id = known(world)
    _change_number(world, contact_id, None)
    assert world.status(contact_id) == IN
    _agree(world, contact_id, "found in a drawer", LAST_YEAR)
    assert _rests_on(world, contact_id) == []


def test_what_they_agreed_to_for_a_new_number_before_they_stopped_counts_no_more(world: World) -> None:
    contact_id = known(world)
    opt(world, contact_id, OUT)
    opt(world, contact_id, IN)
    with pytest.raises(AgreedBefore):
        _change_number(world, contact_id, Given(Method.PAPER, LAST_YEAR, words="before the stop"))
    _change_number(world, contact_id, Given(Method.PAPER, words="for the new one"))
    assert _rests_on(world, contact_id) == ["for the new one"]
    opt(world, contact_id, OUT)
    opt(world, contact_id, IN)
    assert _rests_on(world, contact_id) == []
