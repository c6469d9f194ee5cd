"""TEAM gives back what the word took, and nothing that anybody else decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import Select, Text, cast, select

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, possible
from cadence_app.consent.by_api import Wanted, set_by_api
from cadence_app.consent.by_user import consent_of, needs_reason, set_by_user
from cadence_app.consent.evidence_basis import Basis, basis_of, rests_on_evidence
from cadence_app.consent.evidence_of_all import grounds
from cadence_app.consent.evidence_of_change import resting_of_changes
from cadence_app.consent.models import BlockScope, Consent, OptOutChange, Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from tests.contacts import importing
from tests.messaging.team_only import BACK, STOPPED
from tests.messaging.words import both_teams, statuses
from tests.records.people import text_at
from tests.world import World, new_number


def by_toggle(world: World, contact_id: int) -> None:
    set_by_user(db.session.get_one(User, world.admin_id), contact_id, world.other_team_id, Status.OPTED_OUT)


def by_api(world: World, contact_id: int) -> None:
    set_by_api([Wanted(contact_id, world.other_team_id, Status.OPTED_OUT)], "A token")


@pytest.mark.parametrize("by", [by_toggle, by_api])
@pytest.mark.parametrize("before", [True, False])
def test_what_somebody_else_opted_out_before_or_since_stays_so(
    asking: World, by: Callable[[World, int], None], before: bool
) -> None:
    number, contact_id = both_teams(asking)
    steps: list[Callable[[], object]] = [
        lambda: act(asking, by, contact_id),
        lambda: asking.text(number, "STOP"),
    ]
    for step in steps if before else reversed(steps):
        step()
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == STOPPED
    with asking.session():
        # The word no longer counts where it changed nothing, so no reason is asked for again.
        assert needs_reason(consent_of(contact_id, asking.other_team_id)) is not before


def act(world: World, by: Callable[[World, int], None], contact_id: int) -> None:
    with world.session():
        by(world, contact_id)
        db.session.commit()


def test_an_import_that_opts_out_since_stays_so(asking: World) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "STOP")
    importing.run(asking, importing.csv_of(("Maya", "Chen", "", number, "AID", "yes")))
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == STOPPED


def test_their_own_word_to_the_other_team_since_stays_so(asking: World) -> None:
    for word in ("STOP", "please stop texting me"):
        number, contact_id = both_teams(asking)
        asking.text(number, "STOP")
        asking.text(number, word, asking.other_shared)
        asking.text(number, "TEAM")
        assert statuses(asking, contact_id) == STOPPED


def test_bars_of_personal_inboxes_and_carriers_stay_and_the_one_of_later_teams_is_as_before(
    asking: World,
) -> None:
    number, contact_id = both_teams(asking)
    with asking.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == asking.toll_free)).one()
        blocks.block(contact_id, BlockScope.CARRIER_NUMBER, inbox_id, number)
        db.session.commit()
    asking.text(number, "STOP", asking.personal)
    asking.text(number, "TEAM", asking.personal)
    assert statuses(asking, contact_id) == BACK
    with asking.session():
        assert {each.scope for each in blocks.blocks_of(contact_id)} == {"carrier_number", "personal"}
    # Who had stopped every team before is kept out of later ones, as before.
    other, other_id = both_teams(asking)
    asking.text(other, "STOPALL")
    with asking.session():
        admin = db.session.get_one(User, asking.admin_id)
        for team_id in (asking.team_id, asking.other_team_id):
            set_by_user(admin, other_id, team_id, Status.OPTED_IN, "Signed at the desk.")
        db.session.commit()
        bar = blocks.stopped_everywhere([other_id])
    asking.text(other, "STOP")
    asking.text(other, "TEAM")
    assert statuses(asking, other_id) == BACK
    with asking.session():
        assert blocks.stopped_everywhere([other_id]) == bar


def test_team_leaves_what_whoever_had_the_number_before_had_stopped(asking: World) -> None:
    number = new_number()
    asking.text(number, "STOPALL")
    text_at(asking, asking.contact_id(number), new_number())
    asking.text(number, "who is this?")
    asking.text(number, "who is this?", asking.other_shared)
    contact_id = asking.contact_id(number)
    with asking.session():
        admin = db.session.get_one(User, asking.admin_id)
        for team_id in (asking.team_id, asking.other_team_id):
            set_by_user(admin, contact_id, team_id, Status.OPTED_IN, "Signed at the desk.")
        db.session.commit()
    asking.text(number, "STOP")
    asking.text(number, "TEAM")
    assert asking.status(contact_id, asking.other_team_id) == Status.OPTED_IN
    text_at(asking, contact_id, new_number())
    next_holder = asking.text(number, "hello?", asking.other_shared).conversation_id
    assert asking.status(asking.contact_id_of(next_holder), asking.other_team_id) == Status.OPTED_OUT


def test_a_flag_that_waited_in_another_team_waits_again(asking: World) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "take me off this list", asking.other_shared)
    with asking.session():
        flag = possible.open_flag(contact_id, asking.other_team_id)
        assert flag
        before = flag.id, flag.due_on
    asking.text(number, "STOP")
    with asking.session():
        assert possible.open_flag(contact_id, asking.other_team_id) is None
    asking.text(number, "TEAM")
    with asking.session():
        flag = possible.open_flag(contact_id, asking.other_team_id)
        assert flag
        assert (flag.id, flag.due_on, flag.decided_at) == (*before, None)


def test_a_start_answers_the_question_of_its_team_and_leaves_that_of_another_open(asking: World) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "STOP")
    asking.text(number, "START")
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == ("opted_in", "opted_out")
    other, other_id = both_teams(asking)
    asking.text(other, "STOP")
    asking.text(other, "START", asking.other_shared)
    rows = len(asking.history(other_id))
    asking.text(other, "TEAM")
    assert statuses(asking, other_id) == BACK
    assert len(asking.history(other_id)) == rows


def test_the_answer_is_no_agreement_to_the_texts_of_the_teams_that_are_given_back(asking: World) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "STOP")
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == BACK
    zone = cast("America/New_York", Text)
    with asking.session():
        assert basis_of(contact_id, asking.other_team_id) == Basis(since=ANY)
        at_once, proven = grounds(), select(Consent.contact_id).where(rests_on_evidence())
        assert db.session.scalars(select(at_once.c.ground)).all() == [None]
        assert db.session.scalars(proven.where(Consent.status == Status.OPTED_IN)).all() == []
        resting = resting_of_changes(zone)
        texted: Select[Any] = select(OptOutChange.words).where(resting.text)
        assert set(db.session.scalars(resting.joined(texted))) == {"hello"}
    asking.text(number, "START")
    with asking.session():
        assert basis_of(contact_id, asking.team_id).text
