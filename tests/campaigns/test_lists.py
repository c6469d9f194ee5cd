"""The lists of a campaign's page: what stands in each, whom it opens the desk for, and marking many done."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from cadence_app.accounts.models import TeamMember, User
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message
from cadence_app.records.erasing import erase
from cadence_app.records.merging import merge
from tests.campaigns.sending import act, add_campaign, add_people, always_open, send, start
from tests.world import Browser, World, new_number


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> World:
    found = world if request.param == "teams" else legacy_world
    always_open(found)
    return found


@pytest.fixture
def open_world(world: World) -> World:
    always_open(world)
    return world


def sent_to(world: World, count: int) -> tuple[int, list[str], list[int]]:
    """A campaign that was sent to so many new people, their numbers and their conversations."""
    numbers = [new_number() for _ in range(count)]
    ids = [add_people(world, 1, number=number)[0] for number in numbers]
    campaign_id = add_campaign(world, Segment(Who.PICKED, contact_ids=tuple(ids)))
    send(world, campaign_id)
    with world.session():
        query = select(Conversation.contact_id, Conversation.id).where(Conversation.contact_id.in_(ids))
        talks = dict(db.session.execute(query).all())
    return campaign_id, numbers, [talks[each] for each in ids]


def states(world: World, conversations: list[int]) -> list[str]:
    with world.session():
        return [str(db.session.get_one(Conversation, each).state) for each in conversations]


def filled(page: str, **fields: Any) -> dict[str, Any]:
    """The form of a list's page, with what is hidden in it."""
    at = re.search(r'name="at" value="(\d+)"', page)
    return {"at": at[1] if at else "", "seen": re.findall(r'name="seen" value="([\d-]+)"', page)} | fields


def texted_long_ago(world: World) -> None:
    """As if all texts so far had come an hour ago."""
    with world.session():
        db.session.execute(update(Message).values(created_at=func.now() - timedelta(hours=1)))
        db.session.commit()


def press(agent: Browser, path: str, page: str, **fields: Any) -> str:
    return agent.post(f"{path}/done", filled(page, **fields), follow_redirects=True).text


def test_each_list_is_named_with_its_count_and_opens_the_conversations(either: World) -> None:
    campaign_id, numbers, talks = sent_to(either, 3)
    either.text(numbers[0], "Yes, we will come!")
    either.text(numbers[1], "STOP")
    agent = either.sign_in("agent")
    page = agent.get(f"/campaigns/{campaign_id}/answered").text
    tabs = re.findall(r'class="segment"[^>]*>([A-Z][a-z ]+) <span class="count count-quiet">(\d+)<', page)
    assert tabs == [
        *(("Everyone", "3"), ("Answered", "1"), ("Failed", "0"), ("Opted out", "1")),
        *(("Waiting", "0"), ("Not sent", "0"), ("Left out", "0")),
    ]
    assert "Yes, we will come!" in page
    assert "Needs a reply" in page
    assert f'href="/messages/conversations/{talks[0]}"' in page
    assert f"/messages/conversations/{talks[1]}" not in page
    stopped = agent.get(f"/campaigns/{campaign_id}/opted-out-after").text
    assert f'href="/messages/conversations/{talks[1]}"' in stopped
    everyone = agent.get(f"/campaigns/{campaign_id}/everyone").text
    assert all(f'href="/messages/conversations/{talk}"' in everyone for talk in talks)
    assert "No answer" in everyone
    assert agent.get(f"/messages/conversations/{talks[2]}").status_code == 200


def test_before_it_begins_there_is_nothing_to_say_of_what_became_of_anybody(open_world: World) -> None:
    add_people(open_world, 1)
    page = open_world.sign_in("agent").get(f"/campaigns/{add_campaign(open_world)}/everyone").text
    assert "Left out <span" in page
    assert "Answered <span" not in page


def test_those_ticked_are_marked_done_and_undone(either: World) -> None:
    campaign_id, numbers, talks = sent_to(either, 3)
    for number in numbers:
        either.text(number, "thanks")
    agent, path = either.sign_in("agent"), f"/campaigns/{campaign_id}/answered"
    page = agent.get(path).text
    done = press(agent, path, page, conversation=talks[:2])
    assert "2 done." in done
    assert states(either, talks) == ["done", "done", "open"]
    batch = re.search(r'name="batch" value="(\d+)"', done)
    assert batch
    undone = agent.post(f"{path}/undo", {"batch": batch[1]}, follow_redirects=True).text
    assert "Undone: 2 are as they were." in undone
    assert states(either, talks) == ["open", "open", "open"]
    with either.session():
        waiting = select(Conversation.waiting_since).where(Conversation.id.in_(talks))
        assert None not in db.session.scalars(waiting).all()
    assert "undone any more" in agent.post(f"{path}/undo", {"batch": batch[1]}, follow_redirects=True).text


def test_all_of_a_list_are_marked_done_but_what_somebody_must_read(open_world: World) -> None:
    campaign_id, numbers, talks = sent_to(open_world, 4)
    for number in numbers[:2]:
        open_world.text(number, "thanks")
    open_world.text(numbers[2], "please take me off your list")
    texted_long_ago(open_world)
    agent, path = open_world.sign_in("agent"), f"/campaigns/{campaign_id}/answered"
    page = agent.get(path).text
    assert "Mark all 2 done" in page
    assert f'name="conversation" value="{talks[2]}"' not in page
    open_world.text(numbers[1], "What time does it open?")
    done = press(agent, path, page, all="1")
    assert "Done. 1 left: a new text came in." in done
    assert states(open_world, talks) == ["done", "open", "open", "done"]


@pytest.mark.parametrize("what", ["ticked", "all"])
def test_a_possible_opt_out_is_not_marked_done_even_if_it_is_the_only_one(
    open_world: World, what: str
) -> None:
    campaign_id, (number,), (talk,) = sent_to(open_world, 1)
    open_world.text(number, "please stop texting me")
    agent, path = open_world.sign_in("agent"), f"/campaigns/{campaign_id}/answered"
    page = agent.get(path).text
    assert "Possible opt out" in page
    assert "Mark all" not in page
    form: dict[str, Any] = {"conversation": [talk]} if what == "ticked" else {"all": "1"}
    assert "Nothing was selected" in press(agent, path, page, **form)
    assert states(open_world, [talk]) == ["open"]


def test_only_conversations_of_the_list_are_marked_done(open_world: World) -> None:
    campaign_id, (number,), _ = sent_to(open_world, 1)
    open_world.text(number, "thanks")
    other = open_world.text(new_number(), "a question").conversation_id
    agent, path = open_world.sign_in("agent"), f"/campaigns/{campaign_id}/answered"
    page = agent.get(path).text
    for wrong in ([other], ["9" * 30], ["x"], []):
        assert "Nothing was selected" in press(agent, path, page, conversation=wrong)
    assert states(open_world, [other]) == ["open"]
    strange = {"conversation": [other], "at": "nan", "seen": ["1-" + "9" * 5000, "x", "-"]}
    assert agent.post(f"{path}/done", strange).status_code == 302


def test_who_does_not_work_in_the_inbox_sees_the_figures_and_no_words(open_world: World) -> None:
    campaign_id, (number,), (talk,) = sent_to(open_world, 1)
    open_world.text(number, "my secret")
    with open_world.session():
        of_admin = TeamMember.user_id == open_world.admin_id, TeamMember.team_id == open_world.team_id
        db.session.delete(db.session.scalars(select(TeamMember).where(*of_admin)).one())
        db.session.commit()
    admin, path = open_world.sign_in("admin"), f"/campaigns/{campaign_id}/answered"
    page = admin.get(path).text
    assert "is not one of your inboxes" in page
    assert "my secret" not in page
    assert f"/messages/conversations/{talk}" not in page
    assert "Mark all" not in page
    assert admin.post(f"{path}/done", {"all": "1"}).status_code == 404
    assert states(open_world, [talk]) == ["open"]


def test_another_teams_or_tenants_campaign_is_404_and_so_is_a_list_that_is_none(
    world: World, legacy_world: World
) -> None:
    always_open(world)
    mine = add_campaign(world)
    others = (add_campaign(world, inbox=world.other_shared), add_campaign(legacy_world))
    agent = world.sign_in("agent")
    for campaign_id in others:
        assert agent.get(f"/campaigns/{campaign_id}/answered").status_code == 404
        for action in ("done", "undo"):
            assert agent.post(f"/campaigns/{campaign_id}/answered/{action}").status_code == 404
    assert agent.get(f"/campaigns/{mine}/replied").status_code == 404
    assert agent.client.post(f"/campaigns/{mine}/answered/done").status_code == 400


def test_an_undo_is_of_ones_own_press_only(open_world: World) -> None:
    campaign_id, (number,), (talk,) = sent_to(open_world, 1)
    open_world.text(number, "thanks")
    agent, path = open_world.sign_in("agent"), f"/campaigns/{campaign_id}/answered"
    done = press(agent, path, agent.get(path).text, conversation=[talk])
    batch = re.search(r'name="batch" value="(\d+)"', done)
    assert batch
    admin = open_world.sign_in("admin")
    assert "undo-notice" not in admin.get(f"{path}?did={batch[1]}").text
    for wrong in (batch[1], "9" * 30, ""):
        assert "undone any more" in admin.post(f"{path}/undo", {"batch": wrong}, follow_redirects=True).text
    assert states(open_world, [talk]) == ["done"]


def test_who_was_merged_leads_to_the_other_record_and_who_was_erased_nowhere(open_world: World) -> None:
    campaign_id, numbers, talks = sent_to(open_world, 2)
    kept = new_number()
    kept_talk = open_world.text(kept, "hi").conversation_id
    for number in numbers:
        open_world.text(number, "yes")
    merged, erased = (open_world.contact_id(each) for each in numbers)
    kept_id = open_world.contact_id(kept)
    with open_world.session():
        merge(db.session.get_one(User, open_world.admin_id), kept_id, merged, kept_id)
    with open_world.session():
        erase(db.session.get_one(User, open_world.admin_id), erased, "They asked us to.")
    agent = open_world.sign_in("agent")
    page = agent.get(f"/campaigns/{campaign_id}/answered").text
    assert f'href="/messages/conversations/{kept_talk}"' in page
    assert f"/messages/conversations/{talks[1]}" not in page
    assert "Erased" in page
    assert agent.get(f"/messages/conversations/{kept_talk}").status_code == 200


def test_why_somebody_was_not_sent_it_stands_in_the_list(open_world: World) -> None:
    stopped = new_number()
    open_world.text(stopped, "hi")
    add_people(open_world, 1)
    campaign_id = add_campaign(open_world)
    start(open_world, campaign_id)
    act(open_world, "pause", campaign_id)
    open_world.text(stopped, "STOP")
    with open_world.session():
        (first, _) = db.session.scalars(select(Recipient.id).order_by(Recipient.id)).all()
        suppressed = update(Recipient).where(Recipient.id == first).values(state="suppressed")
        db.session.execute(suppressed)
        db.session.commit()
    act(open_world, "cancel", campaign_id)
    page = open_world.sign_in("agent").get(f"/campaigns/{campaign_id}/not-sent").text
    assert "Cancelled before their turn" in page
    assert re.search(r'Not sent <span class="count count-quiet">2<', page)


def _statements(world: World, agent: Browser, path: str) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    with world.app.app_context():
        db.event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert agent.get(path).status_code == 200
        finally:
            db.event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize("page", ["", "/progress", "/answered", "/everyone", "/failed"])
def test_a_page_asks_the_database_as_often_for_many_people_as_for_few(open_world: World, page: str) -> None:
    always_open(open_world)
    counts = []
    agent = open_world.sign_in("agent")
    for people in (2, 30):
        campaign_id, numbers, _ = sent_to(open_world, people)
        for number in numbers[: people // 2]:
            open_world.text(number, "yes")
        with open_world.session():
            db.session.execute(update(Campaign).values(state="sending", wake_at=datetime.now(UTC)))
            db.session.commit()
        counts.append(_statements(open_world, agent, f"/campaigns/{campaign_id}{page}"))
    assert counts[0] == counts[1]


def test_the_figures_of_a_running_campaign_are_as_fresh_as_its_bar(either: World) -> None:
    add_people(either, 3)
    campaign_id = add_campaign(either)
    start(either, campaign_id)
    agent, fresh = either.sign_in("agent"), f"/campaigns/{campaign_id}/progress"
    assert _told(agent.get(fresh).text) == ("0 of 3 done", "0", "3")
    with either.session():
        ids = db.session.scalars(select(Recipient.id).order_by(Recipient.id)).all()
        gone = update(Recipient).where(Recipient.id.in_(ids[:2]))
        db.session.execute(gone.values(state="delivered", sent_at=func.now()))
        db.session.commit()
    assert _told(agent.get(fresh).text) == ("2 of 3 done", "2", "1")


def _told(part: str) -> tuple[str, str, str]:
    done = re.search(r"\d+ of \d+ done", part)
    sent, waiting = (re.search(rf'id="figure-{name}"[^>]*>(\d+)<', part) for name in ("sent", "waiting"))
    assert done
    assert sent
    assert waiting
    return done[0], sent[1], waiting[1]


def test_pages_of_a_long_list_hold_each_person_once_the_latest_answer_first(open_world: World) -> None:
    add_people(open_world, 1)
    campaign_id = add_campaign(open_world)
    start(open_world, campaign_id)
    with open_world.session():
        now = datetime.now(UTC)
        rows = [
            {
                "campaign_id": campaign_id,
                "tenant_id": open_world.tenant_id,
                "contact_id": None,
                "entry": f"Line {index:03}",
                "state": "delivered",
                "answered_at": now + timedelta(seconds=index),
            }
            for index in range(60)
        ]
        db.session.execute(insert(Recipient), rows)
        db.session.commit()
    agent = open_world.sign_in("agent")
    pages = [agent.get(f"/campaigns/{campaign_id}/answered?page={page}").text for page in (1, 2)]
    lines = [line for page in pages for line in re.findall(r"Line \d{3}", page)]
    assert lines == [f"Line {index:03}" for index in reversed(range(60))]
