"""Search in Messages: what is found, by whom, how it is kept right, and what the screens show of it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from cadence_app import words
from cadence_app.accounts.models import User
from cadence_app.contacts import tags
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import desk, finding
from cadence_app.messaging.desk_which import Only, Which
from cadence_app.messaging.models import Message
from cadence_app.records import merging
from tests import sizes
from tests.world import World, make_world, new_number

_SAID = (
    *(
        "The form is due on Friday",
        "Formal wear, please",
        "Don't forget your ID!",
        "It's a@b.edu or (212) 555",
    ),
    *(
        "申请表在这里",
        "ÖFFNUNGSZEITEN? ab 9",
        "great👍👍 thanks",
        "financial aid office",
        "aid, financial",
        "…",
    ),
)
_WORDS = st.sampled_from(
    [
        *(
            "form",
            "for",
            "FORM",
            "due",
            "friday",
            "don't",
            "a@b",
            "申请",
            "请",
            "öff",
            "👍",
            "aid",
            "financial",
        ),
        *(
            '"financial aid"',
            '"form is"',
            '"',
            "'",
            "%",
            ":*",
            "&",
            "!",
            "\\",
            "212",
            "555)",
            "zzz",
            "is due",
        ),
    ]
)


@pytest.fixture(scope="module")
def talks(app: Flask) -> World:
    """Texts of a few kinds, beside the same ones of another organization."""
    places = [make_world(app, "teams") for _ in range(2)]
    for place in places:
        for said in _SAID:
            place.text(new_number(), said)
    return places[0]


def _by_the_rule(search: str, said: str) -> bool:
    """Whether a plain reading of a text finds what is asked for."""
    there, phrases = words.words_in(said), words.asked(search)
    return bool(phrases) and all(
        any(phrase.starts_at(at, there) for at in range(len(there))) for phrase in phrases
    )


@pytest.mark.sized
@settings(
    max_examples=sizes.size(25, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(search=st.lists(_WORDS, min_size=1, max_size=3).map(" ".join) | st.text(max_size=8))
def test_what_the_index_finds_is_what_a_plain_reading_finds_and_nobody_elses(
    talks: World, search: str
) -> None:
    search = search.replace("\x00", "")
    with talks.session():
        user = db.session.get_one(User, talks.agent_id)
        found = finding.find(user, search, None, None)
        texts = db.session.scalars(select(Message)).all()
        wanted = {each.conversation_id for each in texts if _by_the_rule(search, each.body)}
    assert set(found.places) == wanted


@pytest.mark.sized
@settings(max_examples=sizes.size(40, 500), deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.text(st.characters(codec="utf-8", exclude_categories=["Lu", "Lt", "Cn", "Cs"]), max_size=30))
def test_the_screens_cut_a_text_into_the_same_words_as_the_database(talks: World, said: str) -> None:
    said = said.replace("\x00", "")
    with talks.session():
        assert db.session.scalar(text("SELECT words_in(:said)"), {"said": said}) == words.words_in(said)


def test_the_words_follow_a_text_that_is_emptied_moved_or_removed(world: World) -> None:
    one, other = new_number(), new_number()
    first = world.text(one, "a xylophone")
    second = world.text(other, "another xylophone")
    assert _found(world, "xylophone") == {first.conversation_id, second.conversation_id}
    kept, gone = world.contact_id(one), world.contact_id(other)
    with world.session():
        merging.merge(db.session.get_one(User, world.admin_id), kept, gone, kept)
    assert _found(world, "another xylophone") == {first.conversation_id}
    with world.session():
        db.session.execute(text("UPDATE messages SET body = '' WHERE body LIKE '%xylophone'"))
        db.session.commit()
        assert db.session.scalar(text("SELECT count(*) FROM message_words")) == 0
    assert _found(world, "xylophone") == set()


def test_another_sees_nothing_of_a_personal_inbox_or_another_teams(world: World) -> None:
    private = world.text(new_number(), "strictly zebra", world.personal)
    theirs = world.text(new_number(), "strictly zebra", world.other_shared)
    assert _found(world, "zebra") == {private.conversation_id}
    assert _found(world, "zebra", world.admin_id) == {theirs.conversation_id}
    page = world.sign_in("agent").get("/messages/?inbox=&q=zebra").text
    assert re.findall(r'id="convo-(\d+)"', page) == [str(private.conversation_id)]


def _found(world: World, search: str, user_id: int = 0) -> set[int]:
    with world.session():
        user = db.session.get_one(User, user_id or world.agent_id)
        return set(desk.ids_of(user, Which(search=search, only=Only.ALL), 100))


def test_a_row_shows_the_words_found_marked_and_escaped(world: World) -> None:
    number = new_number()
    received = world.text(number, "<b>Where</b> is the Library?")
    world.text(number, "Never mind")
    page = world.sign_in("agent").get("/messages/?inbox=&q=libr").text
    assert "&lt;b&gt;Where&lt;/b&gt; is the <mark>Library</mark>?" in page
    message_id = world.messages(received.conversation_id)[0].id
    assert re.search(rf'q=libr[^"]*text={message_id}[^"]*#text-{message_id}"', page)


def test_a_row_that_a_tag_found_shows_the_tag(world: World) -> None:
    number = new_number()
    world.text(number, "hello there")
    agent = world.sign_in("agent")
    with world.session():
        contact = db.session.scalars(select(Contact).where(Contact.number == number)).one()
        tags.add_tag(db.session.get_one(User, world.agent_id), contact, "Rowing team")
    for query in ("q=rowing+team", "person=rowing+team"):
        page = agent.get(f"/messages/?inbox=&only=all&{query}").text
        assert page.count("<mark>Rowing team</mark>") == 1
    assert "<mark>" not in agent.get("/messages/?inbox=&only=all").text


def test_a_conversation_opens_at_an_old_text_that_was_found(world: World) -> None:
    number = new_number()
    received = world.text(number, "the oldest kangaroo")
    _many_texts(world, received.conversation_id, 300)
    agent = world.sign_in("agent")
    path = f"/messages/conversations/{received.conversation_id}"
    assert 'bubble-text">the oldest' not in agent.get(f"{path}?inbox=").text
    first = world.messages(received.conversation_id)[0].id
    page = agent.get(f"{path}?inbox=&q=kangaroo&text={first}").text
    assert re.search(rf'is-found" id="text-{first}"', page)
    assert "the oldest <mark>kangaroo</mark>" in page
    assert "Texts between these are left out" in page
    assert "filler 299" in page
    other = world.text(new_number(), "hello")
    elsewhere = world.messages(other.conversation_id)[0].id
    assert "left out" not in agent.get(f"{path}?inbox=&text={elsewhere}").text


def _many_texts(world: World, conversation_id: int, many: int) -> None:
    with world.session():
        db.session.execute(
            text(
                "INSERT INTO messages (tenant_id, conversation_id, inbox_id, direction, kind, body, state,"
                " detail, created_at) SELECT m.tenant_id, m.conversation_id, m.inbox_id, m.direction, m.kind,"
                " 'filler ' || n, m.state, '', m.created_at + n * interval '1 second'"
                " FROM messages m, generate_series(1, :many) n WHERE m.conversation_id = :id"
            ),
            {"many": many, "id": conversation_id},
        )
        db.session.commit()


def test_filters_combine_are_said_and_each_has_its_own_way_out(world: World) -> None:
    number = new_number()
    wanted = world.text(number, "my transcript")
    world.text(new_number(), "my transcript")
    with world.session():
        contact = db.session.scalars(select(Contact).where(Contact.number == number)).one()
        contact.first_name, contact.last_name = "Quentin", "Abara"
        db.session.commit()
    agent = world.sign_in("agent")
    path = f"/messages/conversations/{wanted.conversation_id}"
    agent.post(f"{path}/assignment", {"assignee": str(world.agent_id), "seen": ""})
    page = agent.get("/messages/?inbox=&q=transcript&person=quent&whose=me&only=open").text
    assert re.findall(r'id="convo-(\d+)"', page) == [str(wanted.conversation_id)]
    for said in ("Person: quent", "Assigned to me", "1 conversation", "Clear all", "<mark>Quentin</mark>"):
        assert said in page
    assert re.search(r'href="[^"]*whose=me[^"]*" aria-label="Clear: Person: quent"', page)
    nobody = agent.get("/messages/?inbox=&q=transcript&person=quent&whose=nobody").text
    assert re.findall(r'id="convo-(\d+)"', nobody) == []
    assert "No conversation here fits" in nobody


def test_what_is_done_with_all_of_a_filtered_list_is_done_with_that_alone(world: World) -> None:
    first = world.text(new_number(), "red panda")
    world.text(new_number(), "grey seal")
    agent = world.sign_in("agent")
    form = {"action": "assign", "assignee": str(world.agent_id), "all": "1", "q": "panda", "only": "all"}
    agent.post("/messages/bulk", form)
    mine = agent.get("/messages/?inbox=&whose=me").text
    assert re.findall(r'id="convo-(\d+)"', mine) == [str(first.conversation_id)]


def test_a_search_does_not_become_the_tab_that_is_kept(world: World) -> None:
    agent = world.sign_in("agent")
    agent.get("/messages/?inbox=&only=mine")
    agent.get("/messages/?inbox=&only=done&q=hello")
    assert re.search(r'aria-current="true">Mine', agent.get("/messages/?inbox=").text)


def test_a_note_is_found_and_marked(world: World) -> None:
    received = world.text(new_number(), "hello")
    path = f"/messages/conversations/{received.conversation_id}"
    agent = world.sign_in("agent")
    agent.post(f"{path}/notes", {"note": "Owes the bursar forty"})
    page = agent.get("/messages/?inbox=&q=bursar").text
    assert "Owes the <mark>bursar</mark> forty" in page
    assert re.search(r'note=\d+[^"]*#note-\d+"', page)


@pytest.mark.parametrize(
    "search", ['"', "&", "'", "\\", ":*", "!", "( )", "%_", "…", "a" * 199, '"a', "\u200b"]
)
def test_whatever_is_typed_is_searched_for(world: World, search: str) -> None:
    world.text(new_number(), f"has {search} in it")
    assert world.sign_in("agent").get("/messages/", query_string={"q": search}).status_code == 200
    assert world.sign_in("agent").get("/contacts/", query_string={"q": search}).status_code == 200


def test_a_text_of_any_length_or_kind_is_taken_in(world: World) -> None:
    """A STOP is never refused because of an index."""
    many = " ".join(str(each) for each in range(20_000))
    for body in (many, "x" * 60_000, "ﷺ" * 30_000, "申" * 30_000, "'\\" * 500, "\u0301" * 400, "STOP"):
        received = world.text(new_number(), body)
        assert world.messages(received.conversation_id)[0].body


def test_however_many_others_have_the_name_the_users_own_people_are_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        _named(world, "Zelda", world.text(new_number(), "hello", world.other_shared).conversation_id)
    mine = world.text(new_number(), "hello").conversation_id
    _named(world, "Zelda", mine)
    monkeypatch.setattr(finding, "MOST", 2)
    monkeypatch.setattr(desk, "_FEW", 2)
    assert _found(world, "zelda") == {mine}
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        assert desk.ids_of(user, Which(person="zelda"), 100) == [mine]
        admin = db.session.get_one(User, world.admin_id)
        found = finding.find(admin, "zelda", None, None)
        assert len(found.ids) == 2
        assert found.more


def _named(world: World, name: str, conversation_id: int) -> None:
    contact_id = world.contact_id_of(conversation_id)
    with world.session():
        db.session.get_one(Contact, contact_id).first_name = name
        db.session.commit()


@pytest.mark.sized
@settings(max_examples=sizes.size(50, 500), deadline=None)
@given(
    said=st.lists(st.sampled_from(["a", "ab", "abc", "b", "B-a"]), max_size=9).map(" ".join),
    search=st.lists(st.sampled_from(["a", "b", "ab", "a-b", '"a b"', '"b"', '"ab a"']), max_size=4).map(
        " ".join
    ),
    names=st.booleans(),
)
def test_the_longest_phrase_at_each_place_is_marked(said: str, search: str, names: bool) -> None:
    phrases = words.asked_of_names(search) if names else words.asked(search)
    there, wanted, at = words.words_in(said), set(), 0
    while at < len(there):
        longest = max((len(each) for each in phrases if each.starts_at(at, there)), default=0)
        wanted |= set(range(at, at + longest))
        at += longest or 1
    marked, place = set(), 0
    for piece in words.marked(said, phrases):
        here = len(words.words_in(piece.text))
        if piece.found:
            marked |= set(range(place, place + here))
        place += here
    assert marked == wanted


def test_marking_looks_at_each_word_once_however_many_are_searched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hundred words in a search may not cost each text of a conversation a hundred times its length."""
    looked, compare = [], words.Phrase.starts_at

    def counted(phrase: words.Phrase, place: int, there: list[str]) -> bool:
        looked.append(place)
        return compare(phrase, place, there)

    monkeypatch.setattr(words.Phrase, "starts_at", counted)
    words.marked(
        "lorem ipsum dolor " * 100, words.asked(" ".join(f"w{n}" for n in range(100)) + " w1 lorem" * 50)
    )
    assert len(looked) <= 2 * 300
