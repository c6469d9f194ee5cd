"""The timeline of a record: everything by its time, and to each what they may see."""

from __future__ import annotations

import pytest

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.records.timeline import Cursor, Only, timeline
from tests.records.people import OUT, known, opt
from tests.world import World, new_number


def test_the_timeline_mixes_texts_and_changes_by_time_newest_first(world: World) -> None:
    number = new_number()
    world.text(number, "Hello there")
    contact_id = world.contact_id(number)
    world.text(number, "STOP")
    page = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    part = page[page.index('class="timeline"') :]
    places = [part.index(words) for words in ("Automatic answer", "Opted out", "Hello there", "Number added")]
    assert places == sorted(places)
    assert "<q><bdi>STOP</bdi></q>" in part
    texts = world.sign_in("agent").get(f"/contacts/{contact_id}?only=texts").text
    assert "Hello there" in texts
    assert "Number added" not in texts[texts.index('class="timeline"') :]


def test_words_to_a_colleagues_personal_inbox_are_quoted_only_to_its_owner(world: World) -> None:
    number = new_number()
    world.text(number, "Only for your eyes: stop texting me", inbox=world.personal)
    contact_id = world.contact_id(number)
    for role, sees in (("agent", True), ("admin", False)):
        page = world.sign_in(role).get(f"/contacts/{contact_id}").text
        part = page[page.index('class="timeline"') : page.index('class="record-rest"')]
        assert ("Only for your eyes" in part) == sees
        assert ("The words were sent to a personal inbox." in part) != sees


def test_what_belongs_to_other_teams_is_not_shown(world: World) -> None:
    number = new_number()
    world.text(number, "Hello")
    world.text(number, "A word to Aid", inbox=world.other_shared)
    contact_id = world.contact_id(number)
    opt(world, contact_id, OUT, world.other_team_id)
    assert "A word to Aid" in world.sign_in("admin").get(f"/contacts/{contact_id}").text
    page = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    assert "A word to Aid" not in page
    assert "Opted out</strong>, Aid" not in page


def test_every_entry_is_on_exactly_one_page(world: World) -> None:
    number = new_number()
    for index in range(45):
        world.text(number, f"Text {index}")
    contact_id = world.contact_id(number)
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        seen, before = [], None
        while True:
            page = timeline(user, contact_id, Only.ALL, before)
            seen += [(entry.what, entry.item.id) for entry in page.entries]
            if page.older is None:
                break
            before = Cursor.parse(str(page.older))
            assert before == page.older
        moments = [entry.at for entry in timeline(user, contact_id, Only.ALL, None).entries]
    assert len(seen) == len(set(seen)) == 47
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("before", ["x", "1_2", f"{9**30}_text_1", "1_text_0", "\x00", "1_no_1"])
def test_a_place_that_can_not_be_read_shows_the_newest(world: World, before: str) -> None:
    contact_id = known(world)
    answer = world.sign_in("agent").get(f"/contacts/{contact_id}", query_string={"before": before})
    assert answer.status_code == 200
    assert "Number added" in answer.text
