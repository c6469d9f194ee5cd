"""The list of posts that nobody could read: what an admin sees and decides, and what clears it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import AuditEntry, User
from cadence_app.contacts import forgetting
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.carriers.jobs import discard_read_posts
from cadence_app.messaging.carriers.models import UnreadPost
from cadence_app.messaging.models import Message
from tests.messaging.carriers.api import carrier_api
from tests.messaging.carriers.posting import Line
from tests.world import World, new_number

LIST = "/settings/unread-texts/"


@pytest.fixture(params=["teams", "legacy"])
def line(request: pytest.FixtureRequest, world: World, legacy_world: World) -> Iterator[Line]:
    chosen = world if request.param == "teams" else legacy_world
    with carrier_api(chosen.app):
        yield Line(chosen, "telnyx").open()


def posts(world: World) -> list[UnreadPost]:
    with world.session():
        rows = list(db.session.scalars(select(UnreadPost).order_by(UnreadPost.id)))
        db.session.expunge_all()
        return rows


def test_those_that_may_be_opt_outs_stand_first_and_are_counted_where_admins_look(line: Line) -> None:
    admin, agent = line.world.sign_in("admin"), line.world.sign_in("agent")
    assert "Texts that could not be read" not in admin.get("/messages/", follow_redirects=True).text
    line.text("60755", "Your code is 1234")
    line.text("SUPPORT", "please STOP", "m-1")
    line.text("70707", "STOP")
    page = admin.get(LIST).text
    assert "These may be opt outs (2)" in page
    assert "The rest (1)" in page
    assert page.index("SUPPORT") < page.index("70707") < page.index("60755")
    for path in ("/messages/", "/messages/possible-opt-outs/"):
        assert "Texts that could not be read" in admin.get(path, follow_redirects=True).text
        assert "Texts that could not be read" not in agent.get(path, follow_redirects=True).text


def test_an_admin_files_one_as_a_text_and_opts_its_sender_out(line: Line) -> None:
    world, number = line.world, new_number()
    line.text("SUPPORT", "STOP", to=world.other_shared)
    (post,) = posts(world)
    admin = world.sign_in("admin")
    shown = admin.get(f"{LIST}{post.id}").text
    assert "ten business days" in shown
    with world.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == world.other_shared)).one()
    assert f'selected value="{inbox_id}"' in shown
    url = f"{LIST}{post.id}/opt-out"
    assert admin.post(url, {"number": "555-0145", "inbox": inbox_id}).status_code == 422
    assert admin.post(url, {"number": number, "inbox": 10**6}).status_code == 422
    assert admin.post(url, {"number": number, "inbox": inbox_id, "why": "She called"}).status_code == 302
    contact_id = world.contact_id(number)
    (change,) = world.history(contact_id, world.other_team_id)
    assert (change.status, change.source, change.words) == ("opted_out", "keyword", "STOP")
    (post,) = posts(world)
    assert (post.decision, post.decided_by_id, post.note) == ("opted_out", world.admin_id, "She called")
    assert (
        "Somebody has decided"
        in admin.get(admin.post(url, {"number": new_number(), "inbox": inbox_id}).location).text
    )
    with world.session():
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions[-1] == "unread_text.opted_out"
        assert len(db.session.scalars(select(Message).where(Message.direction == "inbound")).all()) == 1


def test_words_that_are_no_keyword_opt_out_by_the_admins_decision(line: Line) -> None:
    world, number = line.world, new_number()
    line.text(number, "Hello")
    line.text("SUPPORT", "who is this, please leave me alone and stop texting")
    (post,) = posts(world)
    with world.session():
        admin, found = db.session.get_one(User, world.admin_id), db.session.get_one(UnreadPost, post.id)
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        unread.opt_out(admin, found, number, inbox, "")
    last = world.history(world.contact_id(number))[-1]
    assert (last.status, last.source, last.user_id) == ("opted_out", "toggle", world.admin_id)


def test_words_of_a_stranger_that_are_no_keyword_opt_them_in_at_no_moment(line: Line) -> None:
    world, number = line.world, new_number()
    line.text("SUPPORT", "please leave me alone and stop texting")
    (post,) = posts(world)
    with world.session():
        admin, found = db.session.get_one(User, world.admin_id), db.session.get_one(UnreadPost, post.id)
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        unread.opt_out(admin, found, number, inbox, "")
    (row,) = world.history(world.contact_id(number))
    assert (row.status, row.source, row.user_id) == ("opted_out", "toggle", world.admin_id)


def test_two_admins_at_once_file_it_once(line: Line) -> None:
    world, numbers = line.world, [new_number(), new_number()]
    line.text("SUPPORT", "STOP")
    (post,) = posts(world)
    done: list[str] = []

    def decide(number: str) -> None:
        with world.session():
            admin, found = db.session.get_one(User, world.admin_id), db.session.get_one(UnreadPost, post.id)
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
            try:
                unread.opt_out(admin, found, number, inbox, "")
                done.append(number)
            except unread.Decided:
                pass

    threads = [threading.Thread(target=decide, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 1
    with world.session():
        assert len(db.session.scalars(select(Message).where(Message.direction == "inbound")).all()) == 1


def test_one_that_was_seen_to_needs_a_note_and_leaves_the_list(line: Line) -> None:
    line.text("60755", "STOP")
    (post,) = posts(line.world)
    admin = line.world.sign_in("admin")
    assert admin.post(f"{LIST}{post.id}/handled", {"note": " "}).status_code == 422
    assert admin.post(f"{LIST}{post.id}/handled", {"note": "A robot"}).status_code == 302
    page = admin.get(LIST).text
    assert "These may be opt outs (0)" in page
    assert "A robot" in page


def test_the_quiet_ones_are_read_a_page_at_a_time_and_one_that_may_be_an_opt_out_never_in_passing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "PAGE", 2)
    for n in range(3):
        line.text("60755", f"code {n} 99")
    line.text("60755", "STOP")
    admin = line.world.sign_in("admin")
    ids = [post.id for post in posts(line.world)]
    page = admin.get(LIST).text
    assert f"after={ids[1]}" in page
    assert f'value="{ids[2]}"' in admin.get(f"{LIST}?after={ids[1]}").text
    assert admin.post(f"{LIST}read", {"post": ids}).status_code == 302
    assert [post.decision for post in posts(line.world)] == ["read", "read", "read", "open"]


def test_what_was_read_goes_90_days_later_and_what_was_not_stays(line: Line) -> None:
    for words in ("one", "two", "STOP", "three"):
        line.text("60755", words)
    read, kept, stop, waits = [post.id for post in posts(line.world)]
    with line.world.session():
        for post_id, days in ((read, 91), (kept, 89), (stop, 91)):
            at = datetime.now(UTC) - timedelta(days=days)
            decided = update(UnreadPost).where(UnreadPost.id == post_id)
            db.session.execute(decided.values(decision="handled", decided_at=at))
        db.session.execute(
            update(UnreadPost)
            .where(UnreadPost.id == waits)
            .values(arrived_at=datetime.now(UTC) - timedelta(days=900))
        )
        db.session.commit()
    with line.world.app.app_context():
        discard_read_posts()
    assert [post.id for post in posts(line.world)] == [kept, waits]


@pytest.mark.parametrize("written", ["{0}", "{1} {2} {3}", "({1}) {2}-{3}", "%2B1{1}{2}{3}", "1.{1}.{2}.{3}"])
def test_erasing_somebody_clears_what_has_their_number_in_it(line: Line, written: str) -> None:
    number, other = new_number(), new_number()
    shapes = (number, number[2:5], number[5:8], number[8:])
    line.text("SUPPORT", f"STOP texting {written.format(*shapes)}")
    line.text("SUPPORT", f"code for {written.format(*shapes)}")
    line.text("SUPPORT", f"STOP texting {other}")
    contact_id = line.world.add_contact(number)
    with line.world.session():
        # By age: an open one that may be a stop of theirs stays.
        forgetting.clear_before_removal([contact_id])
        db.session.commit()
    assert [post.due_on is None for post in posts(line.world)] == [False, False]
    with line.world.session():
        forgetting.erase([contact_id], line.world.admin_id)
        db.session.commit()
    (post,) = posts(line.world)
    assert other in post.words


def test_another_organisations_posts_are_nobodys_here(line: Line, world: World, legacy_world: World) -> None:
    line.text("60755", "STOP")
    (post,) = posts(line.world)
    foreign = legacy_world if line.world is world else world
    admin = foreign.sign_in("admin")
    assert admin.get(f"{LIST}{post.id}").status_code == 404
    assert admin.post(f"{LIST}{post.id}/handled", {"note": "mine"}).status_code == 404
    assert admin.post(f"{LIST}read", {"post": post.id}).status_code == 302
    assert [each.decision for each in posts(line.world)] == ["open"]
