"""The list of contacts: each order walked to its end and back, by index, and rows that are selected."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.dialects import postgresql

from cadence_app.accounts.models import User
from cadence_app.contacts import selecting
from cadence_app.contacts.models import Contact, ContactTag, Tag
from cadence_app.contacts.press_models import ContactPress
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation
from cadence_app.records import people_list, select_routes
from cadence_app.records.people_list import Place, Sort, Which
from tests.campaigns.sending import add_people
from tests.records.people import OUT, erase, known, merge, opt
from tests.world import Browser, World, make_world, new_number


def agent(world: World) -> User:
    return db.session.get_one(User, world.agent_id)


def walk(world: World, which: Which) -> tuple[list[int], list[int]]:
    """The ids of the whole list, page by page to its end, and those that the way back meets."""
    there: list[int] = []
    with world.session():
        page = people_list.find(agent(world), which, Place())
        assert page.earlier is None
        while True:
            there += [each.id for each in page.contacts]
            if page.later is None:
                break
            page = people_list.find(agent(world), which, Place(after=page.later))
        back = [each.id for each in page.contacts]
        while page.earlier is not None:
            page = people_list.find(agent(world), which, Place(before=page.earlier))
            back = [*(each.id for each in page.contacts), *back]
    return there, back


@pytest.fixture
def seven(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seven people in pages of two: two of one name, two of none, two who never texted, one opted out."""
    monkeypatch.setattr(people_list, "PAGE", 2)
    names = [("Ana", "Ruiz"), ("Zoe", "adams"), ("Ana", "Ruiz"), ("", ""), ("Bo", "Yun")]
    ids = []
    for first, last in names:
        number = new_number()
        world.text(number, "Hello")
        ids.append(world.contact_id(number))
        with world.session():
            db.session.execute(
                update(Contact).where(Contact.id == ids[-1]).values(first_name=first, last_name=last)
            )
            db.session.commit()
    ids += [known(world, last_name="Quill"), known(world, first_name="", last_name="")]
    opt(world, ids[1], OUT)
    return ids


def expected(world: World, sort: Sort, down: bool) -> list[int]:
    """The same list, in one piece and by another way."""
    with world.session():
        people = list(db.session.scalars(select(Contact)))
        latest: dict[int, Any] = {}
        for talk in db.session.scalars(select(Conversation)):
            latest[talk.contact_id] = (talk.last_message_at, talk.id)
        status = {each.id: str(world.status(each.id)) for each in people}
    if sort == Sort.LAST_TEXT:
        texted = sorted((each for each in people if each.id in latest), key=lambda each: latest[each.id])
        never = sorted(each.id for each in people if each.id not in latest)
        return [each.id for each in (reversed(texted) if down else texted)] + never
    keys = {
        Sort.NAME: lambda each: (each.last_name.lower(), each.first_name.lower(), each.id),
        Sort.NUMBER: lambda each: each.number,
        Sort.ADDED: lambda each: (each.created_at, each.id),
        Sort.STATUS: lambda each: (status[each.id], each.id),
    }
    return [each.id for each in sorted(people, key=keys[sort], reverse=down)]


@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort", list(Sort))
def test_each_order_has_everybody_once_on_the_way_there_and_back(
    world: World, seven: list[int], sort: Sort, down: bool
) -> None:
    there, back = walk(world, Which(sort=sort, down=down))
    assert sorted(there) == sorted(seven)
    assert there == back == expected(world, sort, down)


def test_a_page_far_down_is_found_by_an_index_under_row_level_security(world: World) -> None:
    add_people(world, 4)
    with world.session():
        for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            db.session.execute(text(f"SET LOCAL {setting} = off"))
        user = agent(world)
        for sort, keys in (
            (Sort.NAME, "last_key"),
            (Sort.NUMBER, "number"),
            (Sort.ADDED, "created_at"),
        ):
            query = select(Contact)
            (stretch,) = people_list._stretches(user, Which(sort=sort), query)
            place = stretch.place_of(db.session.scalars(select(Contact.id)).first() or 0)
            assert place
            plan = db.session.scalars(
                text("EXPLAIN " + _sql(stretch.after(place))),
            ).all()
            found = re.search(r"Index Cond: (.*)", "\n".join(plan))
            assert found, plan
            assert keys in found[1], plan


def _sql(query: Any) -> str:
    return str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))


def test_an_address_that_names_somebody_who_is_gone_begins_at_the_first_page(world: World) -> None:
    ids = [known(world) for _ in range(3)]
    erase(world, ids[1])
    with world.session():
        page = people_list.find(agent(world), Which(), Place(after=ids[1]))
        assert [each.id for each in page.contacts] == [ids[0], ids[2]]
        assert page.earlier is None


def test_the_order_stands_in_the_address_and_in_the_heads_of_the_columns(world: World) -> None:
    known(world)
    browser = world.sign_in("agent")
    plain = browser.get("/contacts/").text
    assert plain.count("aria-sort") == 1
    assert 'aria-sort="ascending"><a class="sort-link" href="/contacts/?sort=-name"' in plain
    added = browser.get("/contacts/?sort=-added").text
    assert 'aria-sort="descending"' in added
    assert 'href="/contacts/?sort=added"' in added
    # Whatever else an address says, it is the list by name.
    for odd in (
        "sort=nothing",
        "sort=--name",
        "sort=status%00",
        "after=0",
        "after=x",
        "before=99999999999999999999",
    ):
        assert browser.get(f"/contacts/?{odd}").status_code == 200, odd


def test_status_sorts_where_one_team_is_chosen_or_there_is_but_one(world: World) -> None:
    known(world)
    one = world.sign_in("agent").get("/contacts/").text
    admin = world.sign_in("admin")
    many, chosen = admin.get("/contacts/").text, admin.get(f"/contacts/?team={world.team_id}").text
    link = re.compile(r"sort=status")
    assert [bool(link.search(each)) for each in (one, many, chosen)] == [True, False, True]
    assert "aria-sort" in admin.get("/contacts/?sort=status").text


def press(browser: Browser, action: str, ids: list[int], **fields: Any) -> str:
    """Presses a button of the list: where it leads."""
    answer = browser.post("/contacts/selected/", {"action": action, "c": ids, **fields})
    assert answer.status_code == 302
    return str(answer.location)


def tagged(world: World, name: str) -> set[int]:
    with world.session():
        query = select(ContactTag.contact_id).join(Tag, Tag.id == ContactTag.tag_id).where(Tag.name == name)
        return set(db.session.scalars(query))


def undo_of(browser: Browser, address: str) -> str:
    found = re.search(r'action="(/contacts/selected/undo/[^"]+)"', browser.get(address).text)
    assert found
    browser.post(found[1].replace("&amp;", "&"))
    return browser.get("/contacts/").text


def test_selected_people_are_tagged_and_untagged_and_undo_turns_back_what_was_changed(world: World) -> None:
    ids = [known(world) for _ in range(3)]
    browser = world.sign_in("agent")
    press(browser, "tag", ids[:1], with_tag="Athlete")
    back = press(browser, "tag", ids, with_tag="athlete ")
    assert tagged(world, "Athlete") == set(ids)
    assert "2 contacts tagged Athlete" in browser.get(back).text
    assert "Undone for 2" in undo_of(browser, back)
    assert tagged(world, "Athlete") == {ids[0]}
    back = press(browser, "untag", ids, with_tag="Athlete")
    assert tagged(world, "Athlete") == set()
    undo_of(browser, back)
    assert tagged(world, "Athlete") == {ids[0]}


def test_undo_leaves_what_somebody_has_changed_since_and_is_pressed_once(world: World) -> None:
    ids = [known(world) for _ in range(2)]
    browser = world.sign_in("agent")
    back = press(browser, "tag", ids, with_tag="Late")
    press(world.sign_in("admin"), "untag", ids[:1], with_tag="Late")
    assert "Undone for 1. 1 left as they are" in undo_of(browser, back)
    number = re.search(r"did=(\d+)", back)
    assert number
    assert browser.post(f"/contacts/selected/undo/{number[1]}").status_code == 404
    assert world.sign_in("admin").post(f"/contacts/selected/undo/{number[1]}").status_code == 404


def test_nobody_is_reached_whom_the_user_may_not_see(world: World) -> None:
    mine, foreign = known(world), make_world(world.app, "teams")
    theirs = world.add_contact()
    opt(world, theirs, OUT, world.other_team_id)
    others = known(foreign)
    press(world.sign_in("agent"), "tag", [mine, theirs, others, 2**62], with_tag="Seen")
    assert tagged(world, "Seen") == {mine}
    assert tagged(foreign, "Seen") == set()


def test_all_that_match_are_tagged_though_one_page_shows_few(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_list, "PAGE", 2)
    ids = [known(world, last_name="Quill") for _ in range(3)]
    known(world, last_name="Other")
    browser = world.sign_in("agent")
    press(browser, "tag", ids[:1], all="1", q="quill", with_tag="All")
    assert tagged(world, "All") == set(ids)
    monkeypatch.setattr(selecting, "MOST", 2)
    press(browser, "tag", [], all="1", q="quill", with_tag="Some")
    assert len(tagged(world, "Some")) == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"action": "tag", "with_tag": "X"}, "Select a contact first."),
        ({"action": "odd"}, "Choose what to do with them first."),
        ({"action": "tag", "c": "1", "with_tag": " "}, "Type a tag, or choose one of those suggested."),
        ({"action": "untag", "c": "1", "with_tag": "Nobody's"}, "There is no tag “Nobody&#39;s”."),
    ],
)
def test_a_press_that_says_too_little_says_what_is_missing(
    world: World, fields: dict[str, str], said: str
) -> None:
    browser = world.sign_in("agent")
    answer = browser.post("/contacts/selected/", fields)
    assert said in browser.get(str(answer.location)).text


def test_text_these_begins_a_campaign_with_them_ticked_and_says_who_is_of_another_team(world: World) -> None:
    ids = [known(world, last_name=f"Quill{number}") for number in range(2)]
    other = world.add_contact(last_name="Elsewhere")
    opt(world, other, OUT, world.other_team_id)
    admin = world.sign_in("admin")
    page = admin.get(press(admin, "text", [*ids, other])).text
    ticked = {int(each) for each in re.findall(r'name="picked" id="picked-(\d+)" value="\d+" checked', page)}
    assert ticked == set(ids)
    assert "1 of those you selected is not in Admissions and left out." in " ".join(page.split())
    # Another user's selection is nobody else's.
    chosen = re.search(r"chosen=(\d+)", press(admin, "text", ids))
    assert chosen
    theirs = world.sign_in("agent").get(f"/campaigns/new?chosen={chosen[1]}").text
    assert 'name="picked"' not in theirs


def test_too_many_to_pick_are_to_be_tagged_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select_routes, "MOST_PICKED", 1)
    ids = [known(world) for _ in range(2)]
    browser = world.sign_in("agent")
    page = browser.get(press(browser, "text", ids)).text
    assert "2 are too many to pick one by one." in page


def test_a_press_forgets_who_is_erased(world: World) -> None:
    ids = [known(world) for _ in range(2)]
    press(world.sign_in("agent"), "tag", ids, with_tag="Gone")
    erase(world, ids[0])
    with world.session():
        (kept,) = db.session.scalars(select(ContactPress))
        assert kept.contact_ids == [ids[1]]


def test_a_merge_between_press_and_undo_leaves_the_kept_record_as_it_is(world: World) -> None:
    ids = [known(world) for _ in range(2)]
    browser = world.sign_in("agent")
    back = press(browser, "tag", ids[1:], with_tag="Merged")
    merge(world, ids[0], ids[1])
    assert "Undone for 0. 1 left as they are" in undo_of(browser, back)
    assert tagged(world, "Merged") == {ids[0]}
