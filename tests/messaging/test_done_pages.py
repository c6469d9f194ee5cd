"""Done, Snooze, many at once and Undo, as they are pressed on the desk."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import Role, Tenant
from cadence_app.contacts.models import ContactTag
from cadence_app.extensions import db
from cadence_app.messaging import snooze_times
from cadence_app.messaging.models import ConversationState
from tests.administration.test_people import add_user
from tests.messaging.answering import Talk
from tests.statements import statements
from tests.world import Browser, World, make_world

OPEN, SNOOZED, DONE = ConversationState.OPEN, ConversationState.SNOOZED, ConversationState.DONE


def asking(world: World, count: int, inbox: str | None = None) -> list[Talk]:
    """So many people who wait for a reply, the first the longest."""
    talks = []
    for at in range(count):
        talk = Talk(world)
        talk.id = world.text(talk.number, f"question {at}", inbox).conversation_id
        talks.append(talk)
    return talks


def listed(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'id="convo-(\d+)"', page)]


def plain(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def do(browser: Browser, talk: Talk, what: str = "done", **more: object) -> str:
    """Presses a button of the open conversation, as its page has it: the address that follows."""
    data = {"do": what, "seen": talk.last()} | more
    answer = browser.post(f"/messages/conversations/{talk.id}/done?only=waiting", data)
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def many(browser: Browser, action: str, talks: list[Talk], **more: object) -> str:
    """Ticks rows and presses a button: the address that follows."""
    rows = [f"{each.id}:{each.last()}" for each in talks]
    answer = browser.post("/messages/bulk", {"action": action, "c": rows, "only": "waiting"} | more)
    assert answer.status_code == 302
    return str(answer.location)


def undo(browser: Browser, page: str) -> str:
    """Presses Undo on a page: what it says."""
    found = re.search(r'action="(/messages/undo/\d+[^"]*)"', page)
    assert found
    return browser.post(found[1].replace("&amp;", "&"), {}, follow_redirects=True).text


def test_done_opens_the_next_one_that_waits_and_offers_undo(world: World) -> None:
    first, second, third = asking(world, 3)
    agent = world.sign_in("agent")
    page = agent.get(do(agent, second)).text
    assert f'id="convo-{first.id}" ' in page
    assert re.search(rf'id="convo-{first.id}"[^>]* aria-current="page"', page)
    assert listed(page) == [third.id, first.id]
    assert "Done. Undo" in plain(page)
    assert "by the key e" not in page
    back = undo(agent, page)
    assert listed(back) == [third.id, second.id, first.id]
    assert re.search(rf'id="convo-{second.id}"[^>]* aria-current="page"', back)
    assert second.row().waiting_since is not None


def test_the_last_one_leads_back_to_the_list_and_the_first_key_explains_itself_once(world: World) -> None:
    first, second = asking(world, 2)
    agent = world.sign_in("agent")
    assert "by the key e" in agent.get(do(agent, second, by="key")).text
    page = agent.get(do(agent, first, by="key")).text
    assert "by the key e" not in page
    assert "All answered" in page


def test_done_on_a_page_that_is_out_of_date_is_refused_and_shows_the_new_text(world: World) -> None:
    talk = asking(world, 1)[0]
    seen = talk.last()
    talk.comes("wait, one more thing")
    agent = world.sign_in("agent")
    answer = agent.post(f"/messages/conversations/{talk.id}/done", {"do": "done", "seen": seen})
    assert answer.status_code == 409
    assert "A new text came in, so it stays open." in answer.text
    assert "wait, one more thing" in answer.text
    assert talk.row().state == OPEN


def test_a_snooze_is_by_the_users_clock_and_comes_back(world: World) -> None:
    talk = asking(world, 1)[0]
    agent = world.sign_in("agent")
    page = agent.get(do(agent, talk, "tomorrow")).text
    zone = ZoneInfo("America/New_York")
    until = talk.row().snoozed_until
    assert until
    assert (until.astimezone(zone).hour, until.astimezone(zone).minute) == (9, 0)
    assert "Snoozed until" in page
    assert listed(agent.get("/messages/?inbox=&only=snoozed").text) == [talk.id]
    do(agent, talk, "reopen")
    own = (datetime.now(zone) + timedelta(days=3)).strftime("%Y-%m-%dT14:30")
    do(agent, talk, "at", at=own)
    later = talk.row().snoozed_until
    assert later
    assert later.astimezone(zone).strftime("%Y-%m-%dT%H:%M") == own


@pytest.mark.parametrize("at", ["", "never", "2020-01-01T09:00", "9999-12-31T23:59"])
def test_a_time_that_can_not_be_is_refused(world: World, at: str) -> None:
    talk = asking(world, 1)[0]
    answer = world.sign_in("agent").post(
        f"/messages/conversations/{talk.id}/done", {"do": "at", "at": at, "seen": talk.last()}
    )
    assert answer.status_code == 422
    assert talk.row().state == OPEN


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-07T15:10", ["2026-03-07T18:00", "2026-03-08T09:00", "2026-03-09T09:00"]),
        ("2026-10-31T15:10", ["2026-10-31T18:00", "2026-11-01T09:00", "2026-11-02T09:00"]),
        ("2026-11-01T15:10", ["2026-11-01T18:00", "2026-11-02T09:00"]),
        ("2026-11-04T20:30", ["2026-11-05T09:00", "2026-11-09T09:00"]),
    ],
)
def test_the_times_offered_are_what_the_clock_shows_also_when_it_is_turned(
    now: str, expected: list[str]
) -> None:
    zone = ZoneInfo("America/Denver")
    at = datetime.fromisoformat(now).replace(tzinfo=zone)
    offered = snooze_times.choices(zone, at)
    assert [each.at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") for each in offered] == expected
    assert snooze_times.time_of("monday", zone, at) == offered[-1].at


def test_many_are_done_but_for_possible_opt_outs_and_undone_but_for_what_has_changed(world: World) -> None:
    talks = asking(world, 3)
    flagged = Talk(world)
    flagged.id = world.text(flagged.number, "take me off this list").conversation_id
    agent = world.sign_in("agent")
    page = agent.get(many(agent, "done", [*talks, flagged])).text
    assert "3 done. 1 left: possible opt out to decide." in plain(page)
    assert listed(page) == [flagged.id]
    assert [each.row().unread for each in talks] == [0, 0, 0]
    talks[0].comes("again")
    assert "2 put back; 1 left as it is" in plain(undo(agent, page))
    assert [each.row().state for each in talks] == [OPEN, OPEN, OPEN]
    assert [each.row().unread for each in talks] == [1, 1, 1]


def test_all_of_a_list_leaves_the_only_possible_opt_out_in_it(world: World) -> None:
    talk = Talk(world)
    talk.id = world.text(talk.number, "take me off this list").conversation_id
    agent = world.sign_in("agent")
    page = agent.get(many(agent, "done", [talk], all="1", only="flagged")).text
    assert "1 left: possible opt out to decide." in plain(page)
    assert talk.row().state == OPEN


def test_a_possible_opt_out_by_itself_may_be_done_and_stays_in_the_queue(world: World) -> None:
    talk = Talk(world)
    talk.id = world.text(talk.number, "take me off this list").conversation_id
    agent = world.sign_in("agent")
    do(agent, talk)
    assert talk.row().state == DONE
    assert listed(agent.get("/messages/?inbox=&only=flagged").text) == [talk.id]


def test_all_of_a_list_are_done_but_for_what_came_since_the_page_was_made(world: World) -> None:
    talks = asking(world, 3)
    agent = world.sign_in("agent")
    made_at = datetime.now(UTC).timestamp() + 30
    with world.session():
        old = datetime.now(UTC) - timedelta(minutes=1)
        texts = [each.last() for each in talks]
        db.session.execute(
            update(db.metadata.tables["messages"])
            .where(db.metadata.tables["messages"].c.id.in_(texts))
            .values(created_at=old)
        )
        db.session.commit()
    talks[0].comes("just now")
    answer = agent.post(
        "/messages/bulk", {"action": "done", "all": "1", "only": "waiting", "made_at": made_at}
    )
    page = agent.get(str(answer.location)).text
    assert "2 done. 1 left: a new text came in." in plain(page)
    assert [each.row().state for each in talks] == [OPEN, DONE, DONE]


def test_the_button_of_a_row_does_that_row_alone(world: World) -> None:
    first, second = asking(world, 2)
    agent = world.sign_in("agent")
    rows = [f"{first.id}:{first.last()}"]
    agent.post("/messages/bulk", {"one": f"done:{second.id}:{second.last()}", "c": rows, "all": "1"})
    assert (first.row().state, second.row().state) == (OPEN, DONE)


def test_many_are_read_assigned_tagged_and_opened_again_each_with_undo(world: World) -> None:
    talks = asking(world, 2)
    own = asking(world, 1, world.personal)[0]
    ben_id = add_user(world, Role.AGENT, "Ben Ortiz", world.team_id)
    agent = world.sign_in("agent")

    page = agent.get(many(agent, "read", talks)).text
    assert [each.row().unread for each in talks] == [0, 0]
    undo(agent, page)
    assert [each.row().unread for each in talks] == [1, 1]

    page = agent.get(many(agent, "assign", [*talks, own], assignee=ben_id)).text
    assert "2 conversations: assigned to Ben Ortiz. 1 left: they can't be theirs." in plain(page).replace(
        "&#39;", "'"
    )
    assert [each.row().assignee_id for each in (*talks, own)] == [ben_id, ben_id, None]
    undo(agent, page)
    assert [each.row().assignee_id for each in talks] == [None, None]

    page = agent.get(many(agent, "tag", talks, tag="Orientation")).text
    assert "2 conversations: tagged Orientation." in plain(page)
    undo(agent, page)
    with world.session():
        assert db.session.scalars(select(ContactTag)).all() == []
    assert "Type a tag" in agent.get(many(agent, "tag", talks, tag=" ")).text

    many(agent, "done", talks)
    since = [each.row().waiting_since for each in talks]
    assert since == [None, None]
    page = agent.get(many(agent, "reopen", talks)).text
    assert all(each.row().waiting_since for each in talks)
    undo(agent, page)
    assert [each.row().state for each in talks] == [DONE, DONE]


def test_nobody_changes_what_they_may_not_see(world: World) -> None:
    other = make_world(world.app, "teams")
    theirs = asking(world, 1, world.other_personal)[0]
    strange = asking(other, 1)[0]
    agent = world.sign_in("agent")
    for action in ("done", "read", "reopen", "assign", "tag"):
        many(agent, action, [theirs, strange], tag="x", assignee="")
    assert (theirs.row().state, theirs.row().unread) == (OPEN, 1)
    assert (strange.row().state, strange.row().unread) == (OPEN, 1)
    for each in (theirs, strange):
        answer = agent.post(f"/messages/conversations/{each.id}/done", {"do": "done", "seen": 10**9})
        assert answer.status_code == 404
    mine = asking(world, 1)[0]
    page = agent.get(do(agent, mine)).text
    found = re.search(r'action="(/messages/undo/\d+)', page)
    assert found
    assert world.sign_in("admin").post(found[1], {}).status_code == 404


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "nothing"},
        {"action": "snooze", "c": ["1:1"]},
        {"action": "done", "c": ["x:y", ":", "1", "9" * 30]},
        {"action": "done", "all": "1", "made_at": "nan", "inbox": "x"},
        {"action": "assign", "c": ["1:1"], "assignee": "x" * 50},
        {"one": "delete:1:1"},
    ],
)
def test_a_bad_press_is_no_crash(world: World, form: dict[str, object]) -> None:
    assert world.sign_in("agent").post("/messages/bulk", form).status_code in {302, 400}


def test_the_last_tab_and_the_order_are_kept_for_each_person(world: World) -> None:
    first, second = asking(world, 2)
    agent = world.sign_in("agent")
    assert listed(agent.get("/messages/?inbox=").text) == [second.id, first.id]
    agent.post("/messages/choices", {"order": "oldest"})
    assert listed(agent.get("/messages/?inbox=").text) == [first.id, second.id]
    agent.get("/messages/?inbox=&only=done")
    again = world.sign_in("agent").get("/messages/?inbox=").text
    assert "Nothing is done yet" in again
    assert listed(world.sign_in("admin").get("/messages/?inbox=").text) == [second.id, first.id]
    # A search is of all, whatever the tab.
    assert listed(agent.get("/messages/?q=question").text) == [second.id, first.id]


def test_a_row_says_who_spoke_last_and_what_became_of_it(world: World) -> None:
    talk = asking(world, 1)[0]
    sent = talk.writes("See you at nine")
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    assert "You: See you at nine" in plain(agent.get("/messages/?only=all&inbox=").text)
    page = admin.get("/messages/?only=all&inbox=").text
    assert "Agent: See you at nine" in plain(page)
    assert 'title="Waiting to be sent"' in page
    talk.fails(sent)
    assert 'class="said-mark is-bad" title="Not sent"' in admin.get("/messages/?only=all&inbox=").text
    talk.campaign()
    assert "See you at nine" in plain(admin.get("/messages/?only=all&inbox=").text)


def test_a_page_of_the_list_costs_the_same_however_many_rows_it_has(world: World) -> None:
    agent = world.sign_in("agent")
    costs = []
    for _ in range(2):
        asking(world, 4)
        agent.get("/messages/?inbox=")
        with statements(world) as seen:
            agent.get("/messages/?inbox=")
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_many_at_once_are_a_few_statements(world: World) -> None:
    agent = world.sign_in("agent")
    agent.get("/messages/")
    costs = []
    for count in (2, 8):
        talks = asking(world, count)
        rows = [f"{each.id}:{each.last()}" for each in talks]
        with statements(world) as seen:
            agent.post("/messages/bulk", {"action": "done", "c": rows})
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_the_line_about_the_upgrade_is_shown_until_it_is_read(world: World) -> None:
    agent, line = world.sign_in("agent"), "quiet for 14 days were marked done"
    assert line not in agent.get("/messages/").text
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).quiet_done_at = datetime.now(UTC)
        db.session.commit()
    assert line in agent.get("/messages/").text
    agent.post("/messages/choices", {"quiet_told": "1"})
    assert line not in agent.get("/messages/").text
    assert line in world.sign_in("admin").get("/messages/").text
