"""Files that go with texts through a carrier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.media import links
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.sender import send_due
from cadence_app.messaging.sending import deliver
from tests.messaging.carriers.api import Api, carrier_api
from tests.messaging.carriers.bringing import comes
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.posting import Line
from tests.messaging.media import JPEG, PDF, PNG, conversation_of, fetch_all, send
from tests.world import World, new_number


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    with carrier_api(world.app) as api:
        yield api


@pytest.fixture(params=[code for code in CODES if ENDS[code].takes_files])
def line(request: pytest.FixtureRequest, world: World) -> Line:
    return Line(world, request.param).open()


@pytest.fixture
def twilio(world: World) -> Line:
    return Line(world, "twilio").open()


class Sent:
    """A text with files that an agent sent to a line's contact."""

    def __init__(self, line: Line, *given: tuple[str, bytes]) -> None:
        self.world, self.number = line.world, new_number()
        line.text(self.number, "Hello")
        self.conversation_id = conversation_of(line.world, self.number)
        self.answer = send(line.world, self.conversation_id, *given)
        self.message = line.world.messages(self.conversation_id)[-1]

    def deliver(self) -> Message:
        with self.world.session():
            deliver(self.message.id)
        self.message = self.world.messages(self.conversation_id)[-1]
        return self.message


def test_files_go_with_a_text_by_addresses_that_only_the_carrier_has(line: Line, api: Api) -> None:
    sent = Sent(line, ("our plan (new).pdf", PDF), ("map.jpeg", JPEG))
    assert sent.deliver().state == MessageState.SENT
    ((*_, body, key, _),) = api.taken
    assert (body, key) == ("Here it is", sent.message.send_key)
    addresses = api.attached[key]
    site = line.world.app.config["PUBLIC_URL"]
    assert [each.startswith(f"{site}/media/") for each in addresses] == [True, True]
    anybody = line.world.app.test_client()
    document, picture = (anybody.get(urlsplit(each).path) for each in addresses)
    assert (document.data, document.mimetype) == (PDF, "application/pdf")
    assert document.headers["Content-Disposition"] == "inline; filename=our-plan-new.pdf"
    assert (picture.data, picture.mimetype) == (JPEG, "image/jpeg")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    head = anybody.head(urlsplit(addresses[1]).path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(JPEG)))
    page = line.world.sign_in("agent").get(f"/messages/conversations/{sent.conversation_id}").text
    assert 'alt="Picture we sent: map.jpg"' in page
    assert "our plan (new).pdf" in page


def test_a_text_without_files_goes_as_before(line: Line, api: Api) -> None:
    sent = Sent(line)
    sent.deliver()
    assert list(api.attached.values()) == [[]]


def test_files_go_along_when_a_busy_carrier_is_asked_again(line: Line, api: Api) -> None:
    api.plan = [429]
    sent = Sent(line, ("map.png", PNG))
    assert sent.deliver().state == MessageState.QUEUED
    with line.world.session():
        earlier = {"next_attempt_at": None, "created_at": datetime.now(UTC) - timedelta(minutes=1)}
        db.session.execute(update(Message).where(Message.id == sent.message.id).values(earlier))
        db.session.execute(update(Inbox).values(next_text_at=None))
        db.session.commit()
    with line.world.app.app_context():
        send_due()
    key = str(line.world.messages(sent.conversation_id)[-1].send_key)
    assert [each[3] for each in api.taken].count(key) == 1
    assert len(api.attached[key]) == 1


def test_an_address_that_is_changed_expired_or_of_what_came_is_none(
    twilio: Line, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent(twilio, ("map.png", PNG))
    sent.deliver()
    (address,) = next(iter(api.attached.values()))
    path, anybody = urlsplit(address).path, twilio.world.app.test_client()
    assert anybody.get(path).status_code == 200
    # Not the last letter, some bits of which mean nothing.
    other = path[:-2] + ("A" if path[-2] != "A" else "B") + path[-1]
    assert anybody.get(other).status_code == 404
    (came,) = fetch_all(twilio.world, comes(twilio, api, ("image/png", PNG)))
    with twilio.world.session():
        path_of_theirs = links.path_of(db.session.get_one(MessageMedia, came.id))
    assert anybody.get(path_of_theirs).status_code == 404
    monkeypatch.setattr(links, "LIFE_SECONDS", -1)
    assert anybody.get(path).status_code == 404


def test_an_opted_out_contact_gets_no_file(twilio: Line, api: Api) -> None:
    number = new_number()
    twilio.text(number, "Hello")
    twilio.text(number, "STOP")
    conversation_id = conversation_of(twilio.world, number)
    assert send(twilio.world, conversation_id, ("map.png", PNG)).status_code == 409
    assert twilio.world.messages(conversation_id)[-1].state == MessageState.SUPPRESSED
    assert [each for each in api.taken if each[1] == number and each[2] == "Here it is"] == []
