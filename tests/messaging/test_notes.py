"""Notes between colleagues: who sees them, where they are kept, and where they are not."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import Role, TeamMember, User
from cadence_app.extensions import db
from cadence_app.messaging import notes
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.models import Conversation
from tests.records.people import erase, merge
from tests.world import Browser, World, make_user, new_number


def address(conversation_id: int) -> str:
    return f"/messages/conversations/{conversation_id}"


def write(browser: Browser, conversation_id: int, note: str) -> int:
    """The status of the answer."""
    return browser.post(f"{address(conversation_id)}/notes", {"note": note}).status_code


def notes_in(world: World, conversation_id: int) -> list[str]:
    with world.session():
        query = select(Note.body).where(Note.conversation_id == conversation_id).order_by(Note.id)
        return list(db.session.scalars(query))


def join(world: World, name: str) -> str:
    """A colleague of the agent; their e-mail address."""
    with world.session():
        user = make_user(world.tenant_id, Role.AGENT, name)
        db.session.add(TeamMember(tenant_id=world.tenant_id, team_id=world.team_id, user_id=user.id))
        db.session.commit()
        return user.email


def test_a_note_stands_in_the_thread_between_the_texts_and_is_no_text(world: World) -> None:
    number = new_number()
    received = world.text(number, "the first")
    agent = world.sign_in("agent")
    assert write(agent, received.conversation_id, "She rang, too") == 302
    world.text(number, "the second")
    page = world.sign_in("admin").get(address(received.conversation_id)).text
    thread = page[page.index('id="thread-items"') :]
    assert thread.index("the first") < thread.index("She rang, too") < thread.index("the second")
    assert "Note, not sent" in thread
    assert [message.body for message in world.messages(received.conversation_id)] == [
        "the first",
        "the second",
    ]
    with world.session():
        conversation = db.session.get_one(Conversation, received.conversation_id)
        assert conversation.last_message_text == "the second"


def test_a_note_can_be_written_about_who_has_opted_out(world: World) -> None:
    received = world.text(new_number(), "STOP")
    agent = world.sign_in("agent")
    assert write(agent, received.conversation_id, "Call them instead") == 302
    assert notes_in(world, received.conversation_id) == ["Call them instead"]


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (" \n ", "Write something first"),
        ("a" * (notes.MAX_LENGTH + 1), "4000 characters long at most"),
        ("a\x00b", "can&#39;t be stored"),
    ],
)
def test_a_note_that_can_not_be_kept_is_refused_with_what_was_typed(
    world: World, note: str, why: str
) -> None:
    received = world.text(new_number(), "hi")
    answer = world.sign_in("agent").post(f"{address(received.conversation_id)}/notes", {"note": note})
    assert answer.status_code == 422
    assert why in answer.text
    assert re.search(r'id="write-note"[^>]* checked', answer.text)
    assert notes_in(world, received.conversation_id) == []


def test_what_is_in_a_note_is_shown_as_it_was_typed(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    write(agent, received.conversation_id, "<script>alert(1)</script> & co")
    assert (
        "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in agent.get(address(received.conversation_id)).text
    )


def test_only_its_author_or_an_admin_deletes_a_note(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent, colleague = world.sign_in("agent"), world.sign_in_as(join(world, "Cara Colleague"))
    write(agent, received.conversation_id, "mine")
    write(agent, received.conversation_id, "mine too")
    page = colleague.get(address(received.conversation_id)).text
    first, second = (f"{address(received.conversation_id)}/notes/{each}/delete" for each in _ids(world))
    assert "mine" in page
    assert first not in page
    assert colleague.post(first).status_code == 403
    assert agent.post(first).status_code == 302
    assert world.sign_in("admin").post(second).status_code == 302
    assert notes_in(world, received.conversation_id) == []
    assert agent.post(first).status_code == 404


def test_deleting_in_place_brings_the_thread_without_the_note(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    for note in ("the first", "the second"):
        write(agent, received.conversation_id, note)
    path = f"{address(received.conversation_id)}/notes/{_ids(world)[0]}/delete"
    answer = agent.post(path, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'id="thread-items" hx-swap-oob="true"' in answer.text
    assert "the second" in answer.text
    assert "the first" not in answer.text


def test_a_note_is_found_in_its_own_conversation_only(world: World) -> None:
    received, other = world.text(new_number(), "hi"), world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    write(agent, received.conversation_id, "mine")
    (note_id,) = _ids(world)
    assert agent.post(f"{address(other.conversation_id)}/notes/{note_id}/delete").status_code == 404
    assert notes_in(world, received.conversation_id) == ["mine"]


def test_colleagues_are_mentioned_by_their_name_or_a_first_name_that_is_theirs_alone(world: World) -> None:
    for name in ("Ben Ortiz", "Cara One", "Cara Two"):
        join(world, name)
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    write(
        agent,
        received.conversation_id,
        "@ben and @Cara Two, not @Cara or @Benjamin or ben@Ben Ortiz.example or @Dora: see @Ben Ortiz.",
    )
    with world.session():
        note = db.session.scalars(select(Note)).one()
        assert [piece.text for piece in notes.pieces(note) if piece.mention] == [
            "@ben",
            "@Cara Two",
            "@Ben Ortiz",
        ]
        assert "".join(piece.text for piece in notes.pieces(note)) == note.body
    assert '<strong class="mention">@Ben Ortiz</strong>' in agent.get(address(received.conversation_id)).text


def test_a_mention_stays_one_when_the_colleague_is_renamed(world: World) -> None:
    join(world, "Ben Ortiz")
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    write(agent, received.conversation_id, "Ask @Ben Ortiz")
    with world.session():
        db.session.scalars(select(User).where(User.name == "Ben Ortiz")).one().name = "Ben Ortiz-Hale"
        db.session.commit()
    assert '<strong class="mention">@Ben Ortiz</strong>' in agent.get(address(received.conversation_id)).text


def test_a_note_is_on_the_contacts_timeline_for_who_may_see_its_inbox(world: World) -> None:
    number = new_number()
    shared = world.text(number, "hi")
    personal = world.text(number, "hi", world.personal)
    agent = world.sign_in("agent")
    write(agent, shared.conversation_id, "for the team")
    write(agent, personal.conversation_id, "for myself")
    path = f"/contacts/{world.contact_id(number)}"
    assert "for myself" in agent.get(path).text
    seen = world.sign_in("admin").get(path).text
    assert "for the team" in seen
    assert "for myself" not in seen
    only = agent.get(f"{path}?only=notes").text
    assert "for the team" in only
    assert "Text from them" not in only


def test_a_conversation_is_found_by_the_words_of_a_note(world: World) -> None:
    received, other = world.text(new_number(), "hi"), world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    write(agent, received.conversation_id, "Asked about the 50% waiver")
    page = agent.get("/messages/?inbox=&q=50% WAIVER").text
    assert f'id="convo-{received.conversation_id}"' in page
    assert f'id="convo-{other.conversation_id}"' not in page


def test_a_new_note_brings_an_open_page_up_to_date(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent, colleague = world.sign_in("agent"), world.sign_in("admin")
    version = re.search(r"version=([^\"&]+)", agent.get(address(received.conversation_id)).text)
    assert version
    fresh = f"{address(received.conversation_id)}/fresh?version={version[1]}"
    assert agent.get(fresh).status_code == 204
    write(colleague, received.conversation_id, "look at this")
    assert "look at this" in agent.get(fresh).text


def test_notes_follow_a_merge_and_go_with_the_person(world: World) -> None:
    kept, gone = world.text(new_number(), "hi"), world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    write(agent, gone.conversation_id, "about the twin")
    contact_id = world.contact_id_of(kept.conversation_id)
    merge(world, contact_id, world.contact_id_of(gone.conversation_id))
    assert notes_in(world, kept.conversation_id) == ["about the twin"]
    erase(world, contact_id)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Note)) == 0


def test_notes_are_in_the_download_of_a_persons_data(world: World) -> None:
    received = world.text(new_number(), "hi")
    write(world.sign_in("agent"), received.conversation_id, "=prefers calls")
    answer = world.sign_in("admin").post(f"/contacts/{world.contact_id_of(received.conversation_id)}/data")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    (note,) = json.loads(archive.read("data.json"))["notes"]
    assert (note["note"], note["by"], note["inbox"]) == ("=prefers calls", "Agent Person", "Front desk")
    assert "'=prefers calls" in archive.read("notes.csv").decode()


def _ids(world: World) -> list[int]:
    with world.session():
        return list(db.session.scalars(select(Note.id).order_by(Note.id)))
