"""Who is mentioned or assigned to finds it under For me, is told, and has a mail where they want one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from cadence_app.accounts.models import Role, TeamMember, User
from cadence_app.alerts import jobs
from cadence_app.extensions import db
from cadence_app.messaging import for_me, notes
from cadence_app.messaging.for_me_models import ForMe
from cadence_app.messaging.models import Conversation
from tests.alerts.push_service import PushService
from tests.alerts.telling import age, allow_names, assign, mailed, mails, note, sweep
from tests.records.people import erase, merge
from tests.world import World, make_user, new_number


def join(world: World, name: str, team_id: int | None = None) -> int:
    """A colleague of the agent's."""
    with world.session():
        user = make_user(world.tenant_id, Role.AGENT, name)
        team = team_id or world.team_id
        db.session.add(TeamMember(tenant_id=world.tenant_id, team_id=team, user_id=user.id))
        db.session.commit()
        return user.id


def rows(world: World, user_id: int) -> list[ForMe]:
    with world.session():
        found = for_me.page_of(db.session.get_one(User, user_id), 1).rows
        db.session.expunge_all()
        return found


def unseen(world: World, user_id: int) -> int:
    with world.session():
        return for_me.unseen_count(db.session.get_one(User, user_id))


def everything(world: World) -> list[int]:
    with world.session():
        return list(db.session.scalars(select(ForMe.id)))


def conversation_of(world: World, inbox: str | None = None) -> int:
    return world.text(new_number(), "Hello", inbox=inbox).conversation_id


@pytest.mark.parametrize("mode", ["world", "legacy_world"])
def test_a_mention_stands_in_the_list_until_the_conversation_is_opened(
    mode: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(mode)
    agent = world.sign_in("agent")
    assert "Nothing for you yet" in agent.get("/messages/for-me/").text
    conversation = conversation_of(world)
    note(world, conversation, "@Agent Person, can you answer? She rang twice.")
    page = agent.get("/messages/for-me/").text
    assert "mentioned you" in page
    assert "She rang twice." in page
    assert '1<span class="visually-hidden"> not seen' in agent.get("/messages/").text
    agent.get(f"/messages/conversations/{conversation}")
    assert unseen(world, world.agent_id) == 0
    assert "mentioned you" in agent.get("/messages/for-me/").text
    assert "not seen" not in agent.get("/messages/").text


def test_nobody_is_told_of_what_they_did_themselves(world: World) -> None:
    conversation = conversation_of(world)
    note(world, conversation, "@Agent Person: reminder to myself", by=world.agent_id)
    assign(world, conversation, world.agent_id, by=world.agent_id)
    assert rows(world, world.agent_id) == []


def test_who_shares_a_whole_name_is_meant_too_and_a_shared_first_name_means_nobody(world: World) -> None:
    twins = [join(world, "Ada Byron"), join(world, "ada byron")]
    lovelace = join(world, "Ada Lovelace")
    elsewhere = join(world, "Ada Byron", world.other_team_id)
    conversation = conversation_of(world)
    note(world, conversation, "@Ada Byron please")
    note(world, conversation, "and @Ada, or write to ada@college.example")
    note(world, conversation, "@ADA LOVELACE twice, @Ada Lovelace")
    assert [len(rows(world, each)) for each in (*twins, lovelace, elsewhere)] == [1, 1, 1, 0]


_WORDS = st.text("aAbBßé'.-", min_size=1, max_size=4).filter(lambda word: word[0].isalpha())
_NAMES = st.lists(st.lists(_WORDS, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=6)


@given(_NAMES, st.data())
def test_a_whole_name_means_all_who_bear_it_and_nobody_else(names: list[str], data: st.DataObject) -> None:
    people = [User(id=number, name=name) for number, name in enumerate(names)]
    name = data.draw(st.sampled_from(names))
    meant = notes.mentioned_in(f"Please (@{name.upper() if 'ß' not in name else name}), today", people)
    found = {person.id for them in meant.values() for person in them}
    assert found == {person.id for person in people if person.name.lower() == name.lower()}


def test_a_name_is_found_however_its_letters_are_written(world: World) -> None:
    people = [join(world, name) for name in ("Zoë Straße", "İpek Ünal", "Ada (she) Byron", "J. R. Ólafs")]
    conversation = conversation_of(world)
    note(world, conversation, "@zoë straße, @İpek Ünal, @ada (SHE) byron and @j. r. ólafs")
    assert [len(rows(world, each)) for each in people] == [1, 1, 1, 1]


def test_who_was_meant_stays_so_when_somebody_gets_that_name_later(world: World) -> None:
    conversation = conversation_of(world)
    note(world, conversation, "@Agent Person please")
    later = join(world, "Agent Person")
    assert (len(rows(world, world.agent_id)), len(rows(world, later))) == (1, 0)


def test_an_assignment_that_is_taken_back_unseen_is_no_news(world: World) -> None:
    other, conversation = join(world, "Theo Second"), conversation_of(world)
    assign(world, conversation, world.agent_id)
    assert [item.kind for item in rows(world, world.agent_id)] == ["assignment"]
    assign(world, conversation, other)
    assert (len(rows(world, world.agent_id)), len(rows(world, other))) == (0, 1)
    assign(world, conversation, None)
    assert rows(world, other) == []


def test_a_deleted_note_is_for_nobody(world: World) -> None:
    conversation = conversation_of(world)
    note_id = note(world, conversation, "@Agent Person please")
    with world.session():
        found = notes.find(db.session.get_one(Conversation, conversation), note_id)
        assert found
        notes.delete(db.session.get_one(User, world.admin_id), found)
        db.session.commit()
    assert rows(world, world.agent_id) == []


def test_it_is_not_shown_to_who_left_the_team_nor_to_another_organisation(
    world: World, legacy_world: World
) -> None:
    conversation = conversation_of(world)
    note(world, conversation, "@Agent Person please")
    assert rows(legacy_world, legacy_world.agent_id) == []
    with world.session():
        db.session.execute(delete(TeamMember).where(TeamMember.user_id == world.agent_id))
        db.session.commit()
    assert rows(world, world.agent_id) == []
    assert unseen(world, world.agent_id) == 0
    assert mailed(world) == []


def test_all_is_marked_seen_up_to_what_the_page_showed(world: World) -> None:
    first, second = conversation_of(world), conversation_of(world)
    note(world, first, "@Agent Person one")
    agent = world.sign_in("agent")
    agent.get("/messages/for-me/")
    through = rows(world, world.agent_id)[0].id
    note(world, second, "@Agent Person two")
    assert agent.post("/messages/for-me/seen", {"through": through}).status_code == 302
    assert unseen(world, world.agent_id) == 1
    for bad in ("", "x", "9" * 30, "-1"):
        assert agent.post("/messages/for-me/seen", {"through": bad}).status_code == 302
    assert unseen(world, world.agent_id) == 1
    with world.session():
        assert db.session.get_one(ForMe, through).seen_at


def test_a_merge_takes_it_along_and_an_erasure_takes_it_away(world: World) -> None:
    kept, gone = world.add_contact(number := new_number()), world.add_contact(other := new_number())
    world.text(number, "Hello")
    conversation = world.text(other, "Hello").conversation_id
    note(world, conversation, "@Agent Person please")
    merge(world, kept, gone)
    (item,) = rows(world, world.agent_id)
    assert world.contact_id_of(item.conversation_id) == kept
    erase(world, kept)
    assert everything(world) == []


def test_a_browser_is_told_of_one_thing_with_its_inbox_and_of_several_with_their_number(
    world: World, service: PushService
) -> None:
    phone = service.phone()
    phone.turn_on(world.sign_in("agent"))
    conversation, other = conversation_of(world, world.toll_free), conversation_of(world, world.toll_free)
    world.sign_in("admin").get(f"/messages/conversations/{conversation}")
    world.sign_in("admin").get(f"/messages/conversations/{other}")
    note(world, conversation, "@Agent Person: her mother rang")
    sweep(world)
    (said,) = phone.said
    assert said["title"] == "You were mentioned in a note in Toll-free"
    assert (said["body"], said["path"]) == ("", f"/messages/conversations/{conversation}")
    assign(world, other, world.agent_id)
    sweep(world)
    assert phone.titles[-1] == "2 things for you"
    assert phone.said[-1]["path"] == "/messages/for-me/"
    sweep(world)
    assert len(phone.said) == 2


def test_a_mail_goes_after_two_minutes_once_for_all_of_it_and_names_nobody(world: World) -> None:
    conversation, other = conversation_of(world), conversation_of(world)
    note(world, conversation, "@Agent Person: her mother rang")
    with world.app.app_context():
        jobs.sweep_for_me_mails()
    assert mails(world) == []
    assign(world, other, world.agent_id)
    assert mailed(world) == ["2 things for you"]
    (mail,) = mails(world)
    assert mail.recipient.startswith("agent-")
    for words in (mail.text, mail.html):
        assert "mother" not in words
        assert "Admin Person" not in words
        assert "/account/notifications" in words
        assert f"/messages/conversations/{conversation}" in words
    assert mailed(world) == ["2 things for you"]


def test_what_comes_within_minutes_of_a_mail_goes_in_the_next_one(world: World) -> None:
    conversation = conversation_of(world)
    for words in ("please", "now", "soon"):
        note(world, conversation, f"@Agent Person {words}")
        first = mailed(world, minutes=2)
    assert first == ["You were mentioned in a note in Front desk"]
    assert mailed(world, minutes=2) == [*first, "2 things for you"]


def test_what_was_seen_by_then_is_not_mailed(world: World) -> None:
    conversation = conversation_of(world)
    note(world, conversation, "@Agent Person please")
    world.sign_in("agent").get(f"/messages/conversations/{conversation}")
    assert mailed(world) == []


def test_mails_are_by_choice_and_say_more_where_the_organisation_allows_it(world: World) -> None:
    allow_names(world)
    agent = world.sign_in("agent")
    conversation = conversation_of(world)
    assert agent.post("/account/notifications", {"assignments": "y"}).status_code == 302
    note(world, conversation, "@Agent Person please")
    assert mailed(world) == []
    assign(world, conversation, world.agent_id)
    assert mailed(world) == ["A conversation in Front desk is yours now"]
    assert "Admin Person, about" in mails(world)[0].text
    agent.post("/account/notifications", {"mentions": "y"})
    note(world, conversation, "@Agent Person her   mother rang")
    assert mailed(world)[-1] == "You were mentioned in a note in Front desk"
    assert "her mother rang" in mails(world)[-1].text


def test_a_mail_that_waits_and_names_an_erased_person_is_not_sent(world: World) -> None:
    allow_names(world)
    contact = world.add_contact(number := new_number())
    conversation = world.text(number, "Hello").conversation_id
    note(world, conversation, "@Agent Person please call")
    mailed(world)
    assert "Maya Chen" in mails(world)[0].text
    erase(world, contact)
    assert everything(world) == []
    (mail,) = mails(world)
    assert (mail.text, mail.html, mail.next_attempt_at) == ("", "", None)
    assert "Maya" not in mail.subject


def test_what_was_for_somebody_long_ago_is_forgotten(world: World) -> None:
    note(world, conversation_of(world), "@Agent Person please")
    age(world, ForMe, days=91)
    with world.app.app_context():
        jobs.sweep_old_for_me()
    assert everything(world) == []
