"""Evidence goes with the record that retention removes, and new evidence keeps the record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, text

from cadence_app.accounts.models import User
from cadence_app.consent import evidence, seals
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method, RetiredEvidence, Way
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.consent.history import agree, check
from tests.consent.test_independent_proof import check_files, make_files
from tests.consent.test_retiring_evidence import hold
from tests.consent.test_sealed_evidence import evidence_of
from tests.records.people import IN
from tests.retention.old_contacts import (
    LONG_AGO,
    NOW,
    approve,
    dry_run,
    keep_for_a_year,
    old_contact,
    remove_all,
    work,
)
from tests.world import World


def _old_evidence(world: World, contact_id: int, at_days_ago: int = 400) -> int:
    (row,) = agree(world, contact_id, at_days_ago)
    return row


def test_retention_purges_evidence_with_the_record_and_the_seals_stay_intact(
    world: World, tmp_path: Path
) -> None:
    goes, held = old_contact(world), old_contact(world)
    stays = old_contact(world, at=NOW - timedelta(days=30))
    rows = {each: _old_evidence(world, each) for each in (goes, held, stays)}
    keep_for_a_year(world)
    hold(world, held)
    assert remove_all(world).state == "done"
    with world.session():
        assert set(db.session.scalars(select(Evidence.id))) == {rows[held], rows[stays]}
        (record,) = db.session.scalars(select(RetiredEvidence))
        assert (record.evidence_id, record.how, record.replaced) == (rows[goes], "purged", None)
        assert record.reason.startswith("Retention: nothing in 1 years")
        assert "Evidence" in {each.said.split()[0] for each in seals.retirements(9)}
    outcome = check(world)
    assert (outcome.intact, outcome.evidence) == (True, 3), outcome.problem
    make_files(world, tmp_path)
    assert check_files(tmp_path).returncode == 0


def test_new_evidence_keeps_an_old_record_also_of_one_that_was_merged_into_it(world: World) -> None:
    number_of = [old_contact(world, first_name=f"Old {each}") for each in range(4)]
    newer, merged_into, merged_old, goes = number_of
    agree(world, newer, 30)
    gone, gone_old = old_contact(world, texts=0), old_contact(world, texts=0)
    agree(world, gone, 30)
    _old_evidence(world, gone_old)
    _mark_merged(world, {gone: merged_into, gone_old: merged_old})
    keep_for_a_year(world)
    remove_all(world)
    with world.session():
        left = set(db.session.scalars(select(Evidence.contact_id)))
    assert left == {newer, gone}
    assert world.status(merged_into) == IN
    assert world.status(goes) is None
    assert world.status(merged_old) is None
    assert check(world).intact


def _mark_merged(world: World, into: dict[int, int]) -> None:
    """Long ago: a merge of today would keep the record."""
    with world.session():
        for gone, kept in into.items():
            contact = db.session.get_one(Contact, gone)
            contact.merged_into_id, contact.gone_at = kept, LONG_AGO
            db.session.execute(text("SELECT leave_teams(ARRAY[:id])"), {"id": gone})
        db.session.commit()


def test_a_removal_waits_until_the_day_of_its_evidence_is_sealed(world: World) -> None:
    contact_id = old_contact(world)
    _old_evidence(world, contact_id)
    with world.session():
        db.session.get_one(User, world.admin_id).tenant.retention_years = 1
        db.session.commit()
    run_id = dry_run(world)
    approve(world, run_id)
    run = work(world, run_id)
    assert (run.state, "not sealed far enough" in run.problem) == ("removing", True)
    assert len(evidence_of(world, contact_id)) == 1
    keep_for_a_year(world)
    assert work(world, run_id).state == "done"
    assert evidence_of(world, contact_id) == []
    assert check(world).intact


def test_evidence_that_comes_after_the_dry_run_keeps_the_record(world: World) -> None:
    contact_id = old_contact(world)
    keep_for_a_year(world)
    run_id = dry_run(world)
    approve(world, run_id)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        evidence.record([(contact_id, world.team_id)], Given(Method.SPOKEN), Way.RECORD, agent)
        db.session.commit()
    assert work(world, run_id).state == "done"
    assert len(evidence_of(world, contact_id)) == 1
    assert world.status(contact_id) == IN
