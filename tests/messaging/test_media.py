"""Files of texts at the desk: what can be sent, who sees them, and what becomes of them with their person."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import DiscardedFile, MessageMedia
from cadence_app.messaging.media.service import Came, Upload, attach, note_came, store
from cadence_app.messaging.models import Direction, Message, MessageState, ScheduledText
from cadence_app.messaging.providers.base import KeywordAnswers
from tests.messaging.media import (
    CARD,
    JPEG,
    PDF,
    PNG,
    conversation_of,
    is_stored,
    of_conversation,
    send,
    sweep,
)
from tests.records.people import erase, merge
from tests.retention.old_contacts import keep_for_a_year, old_contact, remove_all
from tests.world import Browser, World, new_number


def picture_from(world: World, number: str, inbox: str | None = None) -> int:
    """A text with a picture from a phone; its conversation."""
    came = Came(content_type="image/png", content=PNG)
    return world.text(number, "Look", inbox, media=[came]).conversation_id


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("holiday.png", b"MZ\x90\x00 a program", "holiday.png can't be sent"),
        ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.svg can't be sent"),
        ("page.jpg", b"<html></html>", "page.jpg can't be sent"),
        ("empty.png", b"", "empty.png can't be sent"),
        ("large.jpg", JPEG + bytes(kinds.MAX_SENT_BYTES), "500 KB together"),
        ("as a phone takes it.jpg", JPEG + bytes(6_000_000), "500 KB together"),
    ],
)
def test_a_file_that_carriers_do_not_take_is_refused_in_words(
    world: World, name: str, content: bytes, problem: str
) -> None:
    conversation_id = world.text(new_number(), "hi").conversation_id
    answer = send(world, conversation_id, (name, content))
    assert answer.status_code == 422
    assert problem in answer.text.replace("&#39;", "'")
    assert "Here it is" in answer.text
    assert len(world.messages(conversation_id)) == 1
    assert of_conversation(world, conversation_id) == []


def test_files_are_known_by_their_content_and_named_by_it(world: World) -> None:
    conversation_id = world.text(new_number(), "hi").conversation_id
    given = (("pictures/seat\u2028.exe", PNG), ("card", CARD), ("plän.html", PDF))
    assert send(world, conversation_id, *given).status_code == 302
    found = of_conversation(world, conversation_id)
    assert [(each.file_name, each.content_type) for each in found] == [
        ("seat.png", "image/png"),
        ("card.vcf", "text/vcard"),
        ("plän.pdf", "application/pdf"),
    ]
    agent = world.sign_in("agent")
    names = [agent.get(f"/messages/media/{each.id}").headers["Content-Disposition"] for each in found]
    assert names == [
        "inline; filename=seat.png",
        "attachment; filename=card.vcf",
        "attachment; filename=plan.pdf; filename*=UTF-8''pl%C3%A4n.pdf",
    ]
    assert world.messages(conversation_id)[-1].state == MessageState.QUEUED


def test_a_file_whose_text_was_never_committed_leaves_the_storage(world: World) -> None:
    conversation_id = world.text(new_number(), "hi").conversation_id
    with world.session():
        message = db.session.get_one(Message, world.messages(conversation_id)[0].id)
        attach(message, store([Upload("a.png", "image/png", PNG)]))
        db.session.rollback()
        (left,) = db.session.scalars(select(DiscardedFile))
        key, left.due_at = left.file_key, datetime.now(UTC)
        db.session.commit()
    assert is_stored(world, key)
    sweep(world)
    assert not is_stored(world, key)


def test_eleven_files_are_too_many(world: World) -> None:
    conversation_id = world.text(new_number(), "hi").conversation_id
    answer = send(world, conversation_id, *[(f"{index}.png", PNG) for index in range(11)])
    assert answer.status_code == 422
    assert "10 files at most" in answer.text


def test_a_text_for_a_later_time_takes_no_file(world: World) -> None:
    conversation_id = world.text(new_number(), "hi").conversation_id
    answer = send(world, conversation_id, ("a.png", PNG), later="1", send_at="2999-01-01T10:00")
    assert answer.status_code == 422
    assert "A text for a later time" in answer.text
    with world.session():
        assert db.session.scalars(select(ScheduledText)).all() == []


def test_a_carrier_without_files_gets_none_and_the_composer_says_so(world: World) -> None:
    conversation_id = world.text(new_number(), "hi").conversation_id
    with world.session():
        account = add_account(db.session.get_one(User, world.admin_id), "aws")
        account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
        db.session.add(account)
        db.session.flush()
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        inbox.carrier_account_id = account.id
        db.session.commit()
    answer = send(world, conversation_id, ("a.png", PNG))
    assert answer.status_code == 422
    assert "takes no files" in answer.text
    page = world.sign_in("agent").get(f"/messages/conversations/{conversation_id}")
    assert "Attach files" not in page.text
    with world.session():
        sent = select(Message).where(Message.direction == Direction.OUTBOUND)
        assert db.session.scalars(sent).all() == []


def test_only_who_may_see_the_conversation_sees_its_files(world: World, legacy_world: World) -> None:
    conversation_id = picture_from(world, new_number())
    aid_id = picture_from(world, new_number(), inbox=world.other_shared)
    private_id = picture_from(world, new_number(), inbox=world.other_personal)
    (front,), (aid,), (private,) = (
        of_conversation(world, each) for each in (conversation_id, aid_id, private_id)
    )
    seen = {
        who: [browser.get(f"/messages/media/{each.id}").status_code for each in (front, aid, private)]
        for who, browser in (
            ("agent", world.sign_in("agent")),
            ("admin", world.sign_in("admin")),
            ("foreign", legacy_world.sign_in("admin")),
            ("nobody", Browser(world.app.test_client())),
        )
    }
    assert seen == {
        "agent": [200, 404, 404],
        "admin": [200, 200, 200],
        "foreign": [404, 404, 404],
        "nobody": [302, 302, 302],
    }


def test_erasing_a_person_takes_their_files_out_of_the_storage(world: World) -> None:
    conversation_id = picture_from(world, new_number())
    send(world, conversation_id, ("ours.jpg", JPEG))
    keys = [each.file_key for each in of_conversation(world, conversation_id)]
    others = of_conversation(world, picture_from(world, new_number()))
    assert [is_stored(world, key) for key in keys] == [True, True]
    erase(world, world.contact_id_of(conversation_id))
    assert of_conversation(world, conversation_id) == []
    sweep(world)
    assert [is_stored(world, key) for key in keys] == [False, False]
    assert is_stored(world, others[0].file_key)
    # What was forgotten is forgotten too, once nobody can still be writing it.
    with world.session():
        assert {each.removed for each in db.session.scalars(select(DiscardedFile))} == {True}
        db.session.execute(update(DiscardedFile).values(due_at=datetime.now(UTC)))
        db.session.commit()
    sweep(world)
    with world.session():
        assert db.session.scalars(select(DiscardedFile)).all() == []


def test_retention_takes_the_files_too(world: World) -> None:
    number = new_number()
    old_contact(world, number=number)
    conversation_id = conversation_of(world, number)
    with world.session():
        texts = select(Message).where(Message.conversation_id == conversation_id)
        message = db.session.scalars(texts.order_by(Message.id)).all()[0]
        note_came(message, [Came(content_type="image/png", content=PNG)])
        db.session.commit()
    (media,) = of_conversation(world, conversation_id)
    assert is_stored(world, media.file_key)
    keep_for_a_year(world)
    remove_all(world)
    with world.session():
        assert db.session.scalars(select(MessageMedia)).all() == []
    sweep(world)
    assert not is_stored(world, media.file_key)


def test_a_merge_leaves_files_with_their_texts(world: World) -> None:
    kept_id = world.contact_id_of(world.text(new_number(), "hi").conversation_id)
    conversation_id = picture_from(world, new_number())
    (before,) = of_conversation(world, conversation_id)
    merge(world, kept_id, world.contact_id_of(conversation_id))
    agent = world.sign_in("agent")
    assert agent.get(f"/messages/media/{before.id}").data == PNG
    assert "With a file" in agent.get(f"/contacts/{kept_id}").text


def test_a_persons_data_has_their_files(world: World) -> None:
    conversation_id = picture_from(world, new_number())
    send(world, conversation_id, ("ours.jpg", JPEG))
    contact_id = world.contact_id_of(conversation_id)
    answer = world.sign_in("admin").post(f"/contacts/{contact_id}/data")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    rows = json.loads(archive.read("data.json"))["files"]
    assert [(row["name"], row["type"], row["text"]) for row in rows] == [
        ("", "image/png", "Look"),
        ("ours.jpg", "image/jpeg", "Here it is"),
    ]
    assert [archive.read(row["file"]) for row in rows] == [PNG, JPEG]
    assert "ours.jpg" in archive.read("files.csv").decode()


def test_the_phone_simulator_sends_a_picture_and_shows_one(world: World) -> None:
    phone, number = Browser(world.app.test_client()), new_number()
    form = {"from_number": number, "inbox": world.shared, "body": "", "picture": (io.BytesIO(PNG), "a.png")}
    assert phone.post("/dev/phone/", form, token_from="/dev/phone/").status_code == 302
    conversation_id = conversation_of(world, number)
    (came,) = of_conversation(world, conversation_id)
    assert world.sign_in("agent").get(f"/messages/media/{came.id}").data == PNG
    nothing = {"from_number": number, "inbox": world.shared, "body": " "}
    refused = phone.post("/dev/phone/", nothing, token_from="/dev/phone/")
    assert refused.status_code == 422
    assert "Write something first." in refused.text
