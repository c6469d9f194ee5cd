"""TEAM as the answer to a confirmation that asks which teams were meant: it gives back what the word took,
and nothing that anybody else decided."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from cadence_app.accounts import service as accounts
from cadence_app.accounts.models import KeywordPolicy, Team, Tenant, User
from cadence_app.consent import blocks, own_keywords, possible, team_only
from cadence_app.consent.by_api import Wanted, set_by_api
from cadence_app.consent.by_user import consent_of, needs_reason, set_by_user
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import BlockScope, Status, TeamOnlyQuestion, TeamOnlyStatus
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import create_inbox
from cadence_app.messaging.encoding import measure
from cadence_app.messaging.inbound import CarrierSays, receive_text
from cadence_app.messaging.keyword_trial import try_text
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.sending import deliver
from tests.administration.test_teams_and_inboxes import logged
from tests.contacts import importing
from tests.records.people import add_number, erase, merge, text_at
from tests.world import World, make_world, new_number

ASKS = "Reply TEAM to stop only texts from Admissions."
POLICY = "/settings/organisation/opting-out"


@pytest.fixture
def asking(world: World) -> World:
    return ask(world)


def ask(world: World, asks: bool = True, policy: KeywordPolicy = KeywordPolicy.ORGANISATION) -> World:
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.keyword_policy, tenant.ask_team_only = policy, asks
        db.session.commit()
    return world


def both_teams(world: World) -> tuple[str, int]:
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hello", inbox)
    return number, world.contact_id(number)


def statuses(world: World, contact_id: int) -> tuple[str | None, str | None]:
    return world.status(contact_id), world.status(contact_id, world.other_team_id)


def confirmation(world: World, conversation_id: int) -> str:
    return [m.body for m in world.messages(conversation_id) if m.kind == "opt_out_reply"][-1]


def texted(
    world: World,
    number: str,
    body: str,
    *,
    ago: timedelta = timedelta(),
    inbox: str = "",
    delivered: bool = True,
) -> int:
    """A text that the provider had so long ago; the conversation's id."""
    with world.app.app_context():
        at = datetime.now(UTC) - ago
        received = receive_text(inbox or world.shared, number, body, str(uuid.uuid4()), at)
        if received.reply_id and delivered:
            deliver(received.reply_id)
        return received.conversation_id


STOPPED, BACK = ("opted_out", "opted_out"), ("opted_out", "opted_in")


def test_team_gives_the_other_teams_back_with_a_row_that_says_why_and_no_text(asking: World) -> None:
    world = asking
    number, contact_id = both_teams(world)
    stop = world.text(number, "STOP")
    assert ASKS in confirmation(world, stop.conversation_id)
    assert statuses(world, contact_id) == STOPPED
    world.text(number, "“Team!”")
    assert statuses(world, contact_id) == BACK
    last = world.history(contact_id)[-1]
    assert (last.status, last.source, last.words) == ("opted_in", "keyword", "“Team!”")
    assert last.reason == "Answered TEAM: by their opt-out word they meant Admissions only."
    message = world.messages(stop.conversation_id)[-1]
    assert (message.direction, message.id) == ("inbound", last.message_id)
    assert "meant Admissions only" in message.detail
    with world.session():
        assert blocks.stopped_everywhere([contact_id]) == {}
        assert db.session.scalars(select(TeamOnlyQuestion)).all() == []
    # It was answered. The word works again, and asks again.
    world.text(number, "TEAM")
    assert len(world.history(contact_id)) == 5
    again = world.text(number, "STOP", world.other_shared)
    assert statuses(world, contact_id) == STOPPED
    assert "only texts from Aid" in confirmation(world, again.conversation_id)
    assert len(world.history(contact_id)) == 6


def test_without_an_answer_it_stays_all_and_team_in_another_conversation_is_none(asking: World) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "STOP")
    for body, inbox in (
        ("team please", asking.shared),
        ("TEAM", asking.other_shared),
        ("TEAM", asking.personal),
    ):
        asking.text(number, body, inbox)
    assert statuses(asking, contact_id) == STOPPED


@pytest.mark.parametrize("word", ["STOPALL", "stop all"])
def test_a_word_for_every_team_never_asks_and_ends_an_earlier_question(asking: World, word: str) -> None:
    number, contact_id = both_teams(asking)
    asking.text(number, "STOP")
    stop = asking.text(number, word)
    other, other_id = both_teams(asking)
    direct = asking.text(other, word)
    assert "TEAM" not in confirmation(asking, direct.conversation_id)
    for each in (number, other):
        asking.text(each, "TEAM")
    assert statuses(asking, contact_id) == statuses(asking, other_id) == STOPPED
    assert asking.messages(stop.conversation_id)


@pytest.mark.parametrize(
    ("asks", "policy"), [(False, KeywordPolicy.ORGANISATION), (True, KeywordPolicy.TEAM)]
)
def test_it_asks_only_where_the_admin_chose_so_and_the_word_counts_everywhere(
    world: World, asks: bool, policy: KeywordPolicy
) -> None:
    ask(world, asks, policy)
    number, contact_id = both_teams(world)
    stop = world.text(number, "STOP")
    assert "TEAM" not in confirmation(world, stop.conversation_id)
    before = statuses(world, contact_id)
    world.text(number, "TEAM")
    assert statuses(world, contact_id) == before


def test_where_the_carrier_answered_nobody_was_asked(asking: World) -> None:
    number, contact_id = both_teams(asking)
    with asking.app.app_context():
        said = CarrierSays(acted=Meaning.OUT)
        receive_text(asking.shared, number, "STOP", str(uuid.uuid4()), datetime.now(UTC), carrier=said)
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == STOPPED


def test_a_question_that_never_went_out_has_no_answer(asking: World) -> None:
    late, late_id = both_teams(asking)
    texted(asking, late, "STOP", ago=timedelta(minutes=6))
    toll_free, toll_free_id = both_teams(asking)
    texted(asking, toll_free, "STOP", inbox=asking.toll_free)
    waiting, waiting_id = both_teams(asking)
    texted(asking, waiting, "STOP", delivered=False)
    for number, contact_id in ((late, late_id), (toll_free, toll_free_id), (waiting, waiting_id)):
        for inbox in (asking.shared, asking.toll_free):
            asking.text(number, "TEAM", inbox)
        assert statuses(asking, contact_id)[1] == "opted_out"


def test_the_answer_has_seven_days_and_must_come_after_the_word_and_from_its_phone(asking: World) -> None:
    number, contact_id = both_teams(asking)
    work_phone = new_number()
    add_number(asking, contact_id, work_phone)
    asking.text(number, "STOP")
    asking.text(work_phone, "TEAM")
    texted(asking, number, "TEAM", ago=timedelta(minutes=1))
    assert statuses(asking, contact_id) == STOPPED
    days_pass(asking, contact_id, timedelta(days=7, minutes=1))
    late = texted(asking, number, "TEAM")
    assert "more than 7 days" in asking.messages(late)[-1].detail
    assert statuses(asking, contact_id) == STOPPED
    days_pass(asking, contact_id, timedelta(minutes=-2))
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == BACK


def days_pass(world: World, contact_id: int, time: timedelta) -> None:
    with world.session():
        earlier = TeamOnlyQuestion.said_at - time
        mine = update(TeamOnlyQuestion).where(TeamOnlyQuestion.contact_id == contact_id)
        db.session.execute(mine.values(said_at=earlier))
        db.session.commit()


def test_a_word_from_a_further_phone_is_answered_from_that_phone(asking: World) -> None:
    number, contact_id = both_teams(asking)
    work_phone = new_number()
    add_number(asking, contact_id, work_phone)
    asking.text(work_phone, "STOP")
    asking.text(number, "TEAM")
    assert statuses(asking, contact_id) == STOPPED
    asking.text(work_phone, "TEAM")
    assert statuses(asking, contact_id) == BACK
    said = [row.number for row in asking.history(contact_id) if row.words in {"STOP", "TEAM"}]
    assert set(said) == {work_phone}


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


def test_a_merge_another_number_and_erasing_end_the_question(asking: World) -> None:
    def merged(contact_id: int) -> None:
        merge(asking, contact_id, asking.add_contact())

    def gone(contact_id: int) -> None:
        merge(asking, asking.add_contact(), contact_id)

    def moved(contact_id: int) -> None:
        text_at(asking, contact_id, new_number())

    def erased(contact_id: int) -> None:
        erase(asking, contact_id)

    for end in (merged, gone, moved, erased):
        number, contact_id = both_teams(asking)
        asking.text(number, "STOP")
        with asking.session():
            assert team_only.question_of(contact_id)
        end(contact_id)
        with asking.session():
            assert team_only.question_of(contact_id) is None, end
            left = select(func.count()).where(TeamOnlyStatus.contact_id == contact_id)
            assert db.session.scalar(left) == 0


def test_a_contact_of_one_team_is_asked_for_the_teams_they_join_later(asking: World) -> None:
    number = new_number()
    asking.text(number, "hello")
    asking.text(number, "STOP")
    asking.text(number, "TEAM")
    asking.text(number, "I have a question", asking.other_shared)
    assert statuses(asking, asking.contact_id(number)) == BACK


def test_one_word_can_not_mean_two_things_whichever_comes_first(world: World) -> None:
    admin = world.sign_in("admin")
    wanted = {"keyword_policy": "organisation", "begins": "", "possible": "hold", "seen": "1"}
    word = {"word": "¡Team!", "meaning": "out", "team": str(world.team_id)}
    assert admin.post("/settings/keywords/", word).status_code == 302
    refused = admin.post(POLICY, wanted | {"ask_team_only": "y"})
    assert refused.status_code == 422
    assert "TEAM is a keyword of your own" in refused.text
    with world.session():
        keyword_id = own_keywords.all_keywords()[0].id
    assert admin.post(f"/settings/keywords/{keyword_id}/remove").status_code == 302
    assert admin.post(POLICY, wanted | {"ask_team_only": "y"}).status_code == 302
    assert logged(world)[-1][2]["ask_team_only"] == [False, True]
    assert "checked" in admin.get("/settings/organisation/").text.partition('name="ask_team_only"')[0][-200:]
    number, contact_id = both_teams(world)
    world.text(number, "STOP")
    assert admin.post("/settings/keywords/", word).status_code == 422
    # What was asked may still be answered for a while.
    assert admin.post(POLICY, wanted).status_code == 302
    taken = admin.post("/settings/keywords/", word)
    assert taken.status_code == 422
    assert "TEAM answers the question" in taken.text
    world.text(number, "TEAM")
    assert statuses(world, contact_id) == BACK
    assert admin.post("/settings/keywords/", word).status_code == 302


def test_the_team_page_shows_and_counts_what_is_added(asking: World) -> None:
    admin = asking.sign_in("admin")
    with asking.session():
        db.session.get_one(Team, asking.team_id).opt_out_text = "x" * 150
        db.session.commit()
    page = admin.get(f"/settings/teams/{asking.team_id}").text
    assert ASKS in page
    assert f'data-adds=" {ASKS}"' in page
    assert f"{measure('x' * 150 + ' ' + ASKS).units} characters in GSM-7, 2 texts" in page
    ask(asking, asks=False)
    page = admin.get(f"/settings/teams/{asking.team_id}").text
    assert "Reply TEAM" not in page
    assert "150 characters in GSM-7, 1 text<" in page


def test_a_tried_text_explains_the_question_and_the_answer(asking: World) -> None:
    with asking.session():
        team = db.session.get_one(Team, asking.team_id)
        stop, stop_all = (try_text(team, word, False, False) for word in ("STOP", "STOPALL"))
        answer, nothing = (try_text(team, "Team.", opted_out, False) for opted_out in (True, False))
    assert stop.answer.endswith(ASKS)
    assert any("TEAM within 7 days" in effect for effect in stop.effects)
    assert "TEAM" not in stop_all.answer
    assert (answer.title, answer.answer) == ("Stops only this team", "")
    assert nothing.title == "Nothing changes"
    ask(asking, asks=False)
    with asking.session():
        said = try_text(db.session.get_one(Team, asking.team_id), "TEAM", True, False)
    assert said.title == "Nothing changes"


@dataclass
class Three:
    world: World
    team_ids: list[int]
    inboxes: list[str]


@dataclass
class Model:
    """What must hold, written another way: by team, whether they are opted out and whether by their own word;
    the bar of later teams; and what TEAM would give back, for the team that asked."""

    out: list[bool] = field(default_factory=lambda: [False] * 3)
    own: list[bool] = field(default_factory=lambda: [False] * 3)
    bar: bool = False
    asked: int | None = None
    back: dict[int, tuple[bool, bool]] = field(default_factory=dict)
    back_bar: bool = False
    rows: int = 3

    def stop(self, team: int, everywhere: bool) -> None:
        before = list(zip(self.out, self.own, strict=True))
        changed = [index for index in range(3) if not self.out[index]]
        confirmed = bool(changed) or not self.own[team]
        gives_back = not self.bar or any(index != team for index in changed)
        self.asked = team if confirmed and not everywhere and gives_back else None
        self.back = {index: before[index] for index in range(3) if index != team}
        self.back_bar = self.bar
        self.out, self.own, self.bar = [True] * 3, [True] * 3, True
        self.rows += len(changed)

    def answer(self, team: int) -> None:
        if self.asked != team or not self.out[team]:
            return
        for index, (out, own) in self.back.items():
            self.rows += self.out[index] and not out
            self.out[index], self.own[index] = out, own
        if self.bar:
            self.bar = self.back_bar
        self.asked = None

    def start(self, team: int) -> None:
        self.rows += self.out[team]
        self.out[team] = self.own[team] = self.bar = False
        self.back.pop(team, None)
        if self.asked == team:
            self.asked = None

    def toggle(self, team: int, out: bool) -> None:
        if self.out[team] != out:
            self.rows += 1
            self.out[team], self.own[team] = out, False
        self.back.pop(team, None)


@pytest.fixture(scope="module")
def three(app: Flask) -> Iterator[Three]:
    world = ask(make_world(app, "teams"))
    with world.session():
        third = accounts.create_team("Housing", "HOU")
        inbox = create_inbox(third, new_number(), "Housing desk")
        db.session.commit()
        team_ids = [world.team_id, world.other_team_id, third.id]
        yield Three(world, team_ids, [world.shared, world.other_shared, inbox.number])


STEPS = st.tuples(
    st.sampled_from(["STOP", "STOP", "STOPALL", "TEAM", "TEAM", "START", "out", "in"]), st.integers(0, 2)
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, min_size=2, max_size=8))
def test_whatever_is_said_and_toggled_team_gives_back_exactly_what_the_last_word_took(
    three: Three, steps: list[tuple[str, int]]
) -> None:
    world, number, model = three.world, new_number(), Model()
    for inbox in three.inboxes:
        world.text(number, "hello", inbox)
    contact_id = world.contact_id(number)
    for step, team in steps:
        if step in {"in", "out"}:
            model.toggle(team, step == "out")
            with world.session():
                admin = db.session.get_one(User, world.admin_id)
                status = Status.OPTED_OUT if step == "out" else Status.OPTED_IN
                set_by_user(admin, contact_id, three.team_ids[team], status, "Asked at the desk.")
                db.session.commit()
            continue
        if step == "TEAM":
            model.answer(team)
        elif step == "START":
            model.start(team)
        else:
            model.stop(team, everywhere=step == "STOPALL")
        world.text(number, step, three.inboxes[team])
        with world.session():
            stored = [consent_of(contact_id, team_id) for team_id in three.team_ids]
            assert [each is not None and each.opted_out for each in stored] == model.out
            assert [needs_reason(each) for each in stored] == model.own
            assert blocks.stops_everywhere(contact_id) == model.bar
        assert len(world.history(contact_id)) == model.rows
    with world.session():
        queued = select(func.count()).where(Message.state == MessageState.QUEUED)
        assert db.session.scalar(queued) == 0
