"""The queue of possible opt outs: whose, in which order, and deciding in place."""

from __future__ import annotations

import re
import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from cadence_app.accounts.models import TeamMember, User
from cadence_app.consent import possible
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import Decision, PossibleOptOut, Status
from cadence_app.extensions import db
from cadence_app.messaging import opt_out_queue
from cadence_app.messaging.conversations import add_message
from cadence_app.messaging.models import Conversation, Direction, Message, MessageState
from cadence_app.messaging.opt_out_queue import Cursor
from tests.waiting import until_somebody_waits
from tests.world import Browser, World, new_number

QUEUE = "/messages/possible-opt-outs/"
HTMX = {"HX-Request": "true"}


def flag(world: World, inbox: str | None = None, words: str = "please stop texting me") -> int:
    """A contact's possible opt out; its id."""
    number = new_number()
    world.text(number, "hi", inbox)
    world.text(number, words, inbox)
    with world.session():
        return db.session.scalars(select(PossibleOptOut.id).order_by(PossibleOptOut.id.desc())).first() or 0


def due(world: World, flag_id: int, day: date) -> None:
    with world.session():
        db.session.execute(update(PossibleOptOut).where(PossibleOptOut.id == flag_id).values(due_on=day))
        db.session.commit()


def stored(world: World, flag_id: int) -> PossibleOptOut:
    with world.session():
        found = db.session.get_one(PossibleOptOut, flag_id)
        db.session.expunge(found)
        return found


def listed(browser: Browser, query: str = "") -> list[int]:
    return [int(each) for each in re.findall(r'id="possible-(\d+)"', browser.get(QUEUE + query).text)]


@pytest.mark.parametrize(
    ("today", "due_on", "days"),
    [
        ("2026-03-02", "2026-03-16", 10),
        ("2026-03-06", "2026-03-09", 1),
        ("2026-03-07", "2026-03-09", 1),
        ("2026-03-09", "2026-03-09", 0),
        ("2026-03-07", "2026-03-06", 0),
        ("2026-03-10", "2026-03-06", -2),
        ("2026-03-30", "2026-03-06", -16),
    ],
)
def test_business_days_left_leave_weekends_out(today: str, due_on: str, days: int) -> None:
    assert possible.business_days_between(date.fromisoformat(today), date.fromisoformat(due_on)) == days


def test_counting_back_agrees_with_the_day_that_was_set() -> None:
    for start in range(14):
        day = date(2026, 1, 1) + timedelta(days=start)
        for days in range(15):
            assert possible.business_days_between(day, possible.business_day_after(day, days)) == days


def test_the_most_urgent_stand_first_with_the_days_left_in_words(world: World) -> None:
    later, overdue, now = flag(world), flag(world), flag(world)
    today = datetime.now(ZoneInfo("America/New_York")).date()
    due(world, overdue, today - timedelta(days=7))
    due(world, now, today)
    agent = world.sign_in("agent")
    assert listed(agent) == [overdue, now, later]
    page = agent.get(QUEUE).text
    assert "5 business days overdue" in page
    assert "Due today" in page
    assert "10 business days left" in page
    assert "please stop texting me" in page
    assert '<span id="queue-total">3</span> to decide' in page


def test_agents_see_their_teams_and_admins_all_of_them(world: World, legacy_world: World) -> None:
    mine, other = flag(world), flag(world, world.other_shared)
    foreign = flag(legacy_world)
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    assert listed(agent) == [mine]
    assert set(listed(admin)) == {mine, other}
    assert agent.post(f"{QUEUE}{other}", {"status": "opted_out"}).status_code == 404
    assert admin.post(f"{QUEUE}{foreign}", {"status": "opted_out"}).status_code == 404
    assert stored(world, other).decision == stored(legacy_world, foreign).decision == Decision.OPEN
    assert "in all departments" in legacy_world.sign_in("admin").get(QUEUE).text


def test_an_admin_decides_for_a_team_they_are_not_in(world: World) -> None:
    flag_id = flag(world)
    with world.session():
        db.session.execute(delete(TeamMember).where(TeamMember.user_id == world.admin_id))
        db.session.commit()
    admin = world.sign_in("admin")
    assert listed(admin) == [flag_id]
    assert admin.post(f"{QUEUE}{flag_id}", {"status": "opted_out"}).status_code == 302
    assert world.status(stored(world, flag_id).contact_id) == Status.OPTED_OUT


def test_words_to_a_colleagues_personal_inbox_are_not_quoted(world: World) -> None:
    flag(world, world.personal, "please stop texting me, between us")
    assert "between us" in world.sign_in("agent").get(QUEUE).text
    seen = world.sign_in("admin").get(QUEUE).text
    assert "between us" not in seen
    assert "Some of the words were sent to a personal inbox." in seen


def test_words_to_a_personal_inbox_stay_with_their_owner_when_more_come_to_the_team(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "please stop texting me, between us", world.personal)
    answer = world.text(number, "take me off this list")
    card = f"/messages/conversations/{answer.conversation_id}"
    for path in (QUEUE, card):
        assert "between us" in world.sign_in("agent").get(path).text
        seen = world.sign_in("admin").get(path).text
        assert "between us" not in seen
        assert "Some of the words were sent to a personal inbox." in seen


def test_words_that_come_in_while_somebody_dismisses_are_not_dismissed(world: World) -> None:
    flag_id = flag(world)
    found, decided = stored(world, flag_id), []

    def dismiss() -> None:
        with world.session():
            user = db.session.get_one(User, world.agent_id)
            decided.append(possible.dismiss(user, found.contact_id, found.team_id, found.message_id))
            db.session.commit()

    agent = threading.Thread(target=dismiss)
    with world.session():
        lock_contacts([found.contact_id])
        agent.start()
        until_somebody_waits()
        conversation = db.session.scalars(
            select(Conversation).where(Conversation.contact_id == found.contact_id)
        ).one()
        again = Message(direction=Direction.INBOUND, body="I said stop!!", state=MessageState.RECEIVED)
        add_message(conversation, again)
        zone = ZoneInfo("America/New_York")
        possible.flag(found.contact_id, found.team_id, again.id, "I said stop!!", zone)
        db.session.commit()
    agent.join(30)
    assert decided == [False]
    assert stored(world, flag_id).decision == Decision.OPEN


def test_opting_out_in_place_writes_the_history_and_counts_down(world: World) -> None:
    flag_id, _ = flag(world), flag(world)
    agent = world.sign_in("agent")
    answer = agent.post(f"{QUEUE}{flag_id}", {"status": "opted_out"}, headers=HTMX)
    assert answer.status_code == 200
    assert "opted out." in answer.text
    assert '<span id="queue-total" hx-swap-oob="true">1</span>' in answer.text
    found = stored(world, flag_id)
    assert (found.decision, found.decided_by_id) == (Decision.OPTED_OUT, world.agent_id)
    last = world.history(found.contact_id)[-1]
    assert (last.status, last.source, last.user_id) == (Status.OPTED_OUT, "toggle", world.agent_id)


def test_dismissing_asks_once_and_changes_no_status(world: World) -> None:
    flag_id = flag(world)
    found, agent = stored(world, flag_id), world.sign_in("agent")
    assert "Sure that they did not mean to stop?" in agent.get(QUEUE).text
    answer = agent.post(f"{QUEUE}{flag_id}", {"status": "dismiss", "flagged": found.message_id})
    assert answer.status_code == 302
    assert "decided: no opt out" in agent.get(answer.location).text
    assert stored(world, flag_id).decision == Decision.DISMISSED
    assert world.status(found.contact_id) == Status.OPTED_IN


def test_what_came_meanwhile_is_shown_before_it_is_dismissed(world: World) -> None:
    number = new_number()
    for words in ("hi", "please stop texting me"):
        world.text(number, words)
    agent = world.sign_in("agent")
    (flag_id,) = listed(agent)
    read = stored(world, flag_id).message_id
    world.text(number, "take me off this list")
    answer = agent.post(f"{QUEUE}{flag_id}", {"status": "dismiss", "flagged": read}, headers=HTMX)
    assert answer.status_code == 422
    assert "More has come in since" in answer.text
    assert "take me off this list" in answer.text
    assert stored(world, flag_id).decision == Decision.OPEN


def test_who_is_too_late_is_told_who_decided(world: World) -> None:
    flag_id = flag(world)
    read = stored(world, flag_id).message_id
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    admin.post(f"{QUEUE}{flag_id}", {"status": "dismiss", "flagged": read})
    answer = agent.post(f"{QUEUE}{flag_id}", {"status": "opted_out"}, headers=HTMX)
    assert answer.status_code == 409
    assert "Decided: no opt out already by Admin Person." in answer.text
    assert stored(world, flag_id).decision == Decision.DISMISSED


@pytest.mark.parametrize("status", ["", "opted_in", "drop"])
def test_another_answer_decides_nothing(world: World, status: str) -> None:
    flag_id = flag(world)
    answer = world.sign_in("agent").post(f"{QUEUE}{flag_id}", {"status": status}, headers=HTMX)
    assert answer.status_code == 422
    assert "Choose one of the two." in answer.text
    assert stored(world, flag_id).decision == Decision.OPEN


def test_pages_go_on_after_the_last_one_and_nonsense_is_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opt_out_queue, "PAGE", 2)
    ids = [flag(world) for _ in range(5)]
    agent = world.sign_in("agent")
    seen: list[int] = []
    query = ""
    for _ in range(3):
        page = agent.get(QUEUE + query).text
        seen += [int(each) for each in re.findall(r'id="possible-(\d+)"', page)]
        following = re.search(r'rel="next" href="[^?]*(\?[^"]*)"', page)
        query = following[1] if following else ""
    assert (seen, query) == (ids, "")
    for nonsense in ("x", "2026-01-01_", "2026-13-01_1", "2026-01-01_-1", f"2026-01-01_{10**30}", "_", "%00"):
        assert listed(agent, f"?after={nonsense}") == ids[:2]
    assert Cursor.parse(str(Cursor(date(2026, 1, 2), 7))) == Cursor(date(2026, 1, 2), 7)


def test_the_desk_counts_those_to_decide_and_leads_to_them(world: World) -> None:
    agent = world.sign_in("agent")
    assert "to decide</span>" not in agent.get("/messages/").text
    flag(world)
    page = agent.get("/messages/").text
    assert f'href="{QUEUE}"' in page
    assert '1<span class="visually-hidden"> to decide</span>' in page
