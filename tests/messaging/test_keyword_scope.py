"""For which teams and inboxes a keyword counts, by what a phone sends."""

from __future__ import annotations

import pytest
from sqlalchemy import func, update

from cadence_app.accounts.models import Team, Tenant, User
from cadence_app.consent import blocks, by_user, first_status
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import BlockScope, Source, Status
from cadence_app.consent.own_keywords import add_keyword
from cadence_app.extensions import db
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import refusal
from tests.messaging.words import inbox_of, replies
from tests.world import World, new_number


def test_a_keyword_to_a_shared_inbox_counts_for_that_team_only(world: World) -> None:
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "STOP", world.shared)
    contact_id = world.contact_id(number)
    assert world.status(contact_id, world.team_id) == "opted_out"
    assert world.status(contact_id, world.other_team_id) == "opted_in"


def test_a_keyword_to_a_personal_inbox_bars_every_personal_inbox_but_no_other_teams_shared_one(
    world: World,
) -> None:
    number = new_number()
    for inbox in (world.personal, world.other_personal, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "STOP", world.personal)
    contact_id = world.contact_id(number)

    def may(inbox: str) -> bool:
        with world.session():
            return refusal(inbox_of(inbox), contact_id, MessageKind.PERSON) is None

    assert world.status(contact_id, world.team_id) == "opted_out"
    assert [row.team_code for row in world.history(contact_id) if row.status == "opted_out"] == ["ADM"]
    assert (may(world.personal), may(world.other_personal), may(world.other_shared)) == (False, False, True)
    world.text(number, "START", world.other_personal)
    assert (may(world.personal), may(world.other_personal)) == (False, True)
    assert world.status(contact_id, world.team_id) == "opted_out"


@pytest.mark.parametrize("word", ["STOPALL", "stop all"])
def test_stopall_opts_out_of_every_team_with_a_row_for_each_that_changes(world: World, word: str) -> None:
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, word, world.shared)
    contact_id = world.contact_id(number)
    for team_id in (world.team_id, world.other_team_id):
        assert [row.status for row in world.history(contact_id, team_id)] == ["opted_in", "opted_out"]


def test_who_stopped_every_team_is_not_opted_in_by_being_added_to_another(world: World) -> None:
    number = new_number()
    world.text(number, "STOPALL", world.shared)
    contact_id = world.contact_id(number)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        first_status.add_by_user(admin, contact_id, world.other_team_id)
        db.session.commit()
        with pytest.raises(by_user.ReasonRequired):
            by_user.set_by_user(admin, contact_id, world.other_team_id, Status.OPTED_IN)
    (row,) = world.history(contact_id, world.other_team_id)
    assert (row.status, row.source) == ("opted_out", "manual_add")


@pytest.mark.parametrize(("begins", "everywhere"), [(None, True), ("yesterday", True), ("tomorrow", False)])
def test_the_organisation_policy_makes_any_keyword_count_everywhere_from_its_day_on(
    world: World, begins: str | None, everywhere: bool
) -> None:
    day = {"yesterday": func.current_date() - 1, "tomorrow": func.current_date() + 2, None: None}[begins]
    with world.session():
        db.session.execute(
            update(Tenant)
            .where(Tenant.id == world.tenant_id)
            .values(keyword_policy="organisation", keyword_policy_from=day)
        )
        db.session.commit()
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "Stop", world.shared)
    other = world.status(world.contact_id(number), world.other_team_id)
    assert other == ("opted_out" if everywhere else "opted_in")


def test_a_toll_free_block_is_lifted_by_start_and_not_by_yes(world: World) -> None:
    number = new_number()
    world.text(number, "hi", world.toll_free)
    stopped = world.text(number, "STOP", world.toll_free)
    contact_id = world.contact_id(number)
    assert replies(world, stopped.conversation_id)[-1] == ("opt_out_reply", "suppressed")
    world.text(number, "YES", world.toll_free)
    yes = world.messages(stopped.conversation_id)
    assert "until they text START" in next(m for m in yes if m.body == "YES").detail
    with world.session():
        assert world.status(contact_id) == "opted_in"
        assert "toll-free" in (refusal(inbox_of(world.toll_free), contact_id, MessageKind.PERSON) or "")
        assert refusal(inbox_of(world.shared), contact_id, MessageKind.PERSON) is None
    world.text(number, "UNSTOP", world.toll_free)
    with world.session():
        assert refusal(inbox_of(world.toll_free), contact_id, MessageKind.PERSON) is None


def test_an_own_word_counts_for_its_team_and_a_built_in_one_can_not_be_redefined(world: World) -> None:
    with world.session():
        add_keyword(None, "¡Alto!", Meaning.OUT, db.session.get_one(Team, world.team_id))
        db.session.commit()
        for word in ("STOP", "Help", "..."):
            with pytest.raises(ValueError, match="keyword"):
                add_keyword(None, word, Meaning.IN, None)
    first, second = new_number(), new_number()
    world.text(first, "alto", world.shared)
    world.text(second, "alto", world.other_shared)
    assert world.status(world.contact_id(first), world.team_id) == "opted_out"
    assert world.status(world.contact_id(second), world.other_team_id) == "opted_in"


def test_blocks_name_their_scope(world: World) -> None:
    number = new_number()
    world.text(number, "STOP ALL", world.personal)
    with world.session():
        scopes = {block.scope for block in blocks.blocks_of(world.contact_id(number))}
    assert scopes == {BlockScope.PERSONAL, BlockScope.ORGANISATION}
    assert world.history(world.contact_id(number))[0].source == Source.KEYWORD


def test_a_start_ends_the_stop_of_every_team_for_teams_they_join_later(world: World) -> None:
    number = new_number()
    world.text(number, "STOPALL", world.shared)
    world.text(number, "START", world.shared)
    world.text(number, "Hi, I would like to apply for aid", world.other_shared)
    contact_id = world.contact_id(number)
    (row,) = world.history(contact_id, world.other_team_id)
    assert (row.status, row.source) == ("opted_in", "cold_inbound")


def test_stopall_is_confirmed_where_only_another_teams_status_changes(world: World) -> None:
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hi", inbox)
    world.text(number, "STOP", world.shared)
    received = world.text(number, "STOPALL", world.shared)
    assert replies(world, received.conversation_id) == [("opt_out_reply", "delivered")] * 2
