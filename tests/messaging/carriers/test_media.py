"""Files that come with texts through a carrier."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cadence_app.extensions import db, rq
from cadence_app.messaging import providers
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import MediaState
from tests.messaging.carriers.api import Api, carrier_api
from tests.messaging.carriers.bringing import comes, let_pass
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.posting import Line
from tests.messaging.media import (
    CARD,
    JPEG,
    PDF,
    PNG,
    conversation_of,
    fetch_all,
    is_stored,
    of_conversation,
    sweep,
)
from tests.queues import waits
from tests.records.people import erase
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


def test_a_picture_is_fetched_after_the_answer_and_shown_in_the_conversation(line: Line, api: Api) -> None:
    conversation_id = comes(line, api, ("image/png", PNG))
    assert api.asked == []
    (noted,) = of_conversation(line.world, conversation_id)
    assert noted.state == MediaState.WAITING
    agent = line.world.sign_in("agent")
    page = agent.get(f"/messages/conversations/{conversation_id}").text
    assert "still being fetched" in page
    version = re.search(r"version=([^\"&]+)", page)
    assert version
    (stored,) = fetch_all(line.world, conversation_id)
    assert (stored.state, stored.content_type, stored.size) == ("stored", "image/png", len(PNG))
    assert (stored.sha256, stored.url) == (hashlib.sha256(PNG).hexdigest(), "")
    ((_, given),) = api.asked
    assert given.startswith("Basic ") == line.end.wants_password
    # An open page learns of it by itself.
    fresh = agent.get(f"/messages/conversations/{conversation_id}/fresh?version={version[1]}")
    assert f'src="/messages/media/{stored.id}" alt="Picture from the contact"' in fresh.text
    answer = agent.get(f"/messages/media/{stored.id}")
    assert (answer.data, answer.mimetype) == (PNG, "image/png")
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_other_files_are_links_to_download(line: Line, api: Api) -> None:
    conversation_id = comes(
        line, api, ("text/x-vcard", CARD), ("application/pdf", PDF), ("audio/amr", b"#!AMR")
    )
    stored = fetch_all(line.world, conversation_id)
    assert [each.content_type for each in stored] == ["text/vcard", "application/pdf", "audio/amr"]
    agent = line.world.sign_in("agent")
    page = agent.get(f"/messages/conversations/{conversation_id}").text
    assert "Contact card" in page
    assert 'class="media-picture"' not in page
    for media in stored:
        answer = agent.get(f"/messages/media/{media.id}")
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_first_text_without_words_makes_the_contact_and_opts_in(line: Line, api: Api) -> None:
    conversation_id = comes(line, api, ("image/png", PNG), body="")
    contact_id = line.world.contact_id_of(conversation_id)
    assert [row.source for row in line.world.history(contact_id)] == ["cold_inbound"]
    assert line.world.status(contact_id) == "opted_in"
    shown = "Picture" if line.end.tells_types else "File"
    assert f"{shown}</span>" in line.world.sign_in("agent").get("/messages/?inbox=").text


def test_stop_counts_whatever_comes_with_it(line: Line, api: Api) -> None:
    conversation_id = comes(line, api, ("image/png", PNG), body="STOP")
    assert line.world.status(line.world.contact_id_of(conversation_id)) == "opted_out"


def test_a_repeated_post_brings_no_file_twice(line: Line, api: Api) -> None:
    number = new_number()
    for _ in range(2):
        line.text(number, "Look", "the-same", files=[(f"{api.url}/files/1", "image/png")])
    assert len(of_conversation(line.world, conversation_of(line.world, number))) == 1


def test_what_is_no_kept_type_is_not_kept(line: Line, api: Api) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    given = (("image/svg+xml", svg), ("text/html", b"<html>"), ("image/png", b"<html>"))
    conversation_id = comes(line, api, *given)
    found = fetch_all(line.world, conversation_id)
    assert {(each.state, each.problem) for each in found} == {("failed", kinds.NOT_KEPT)}
    agent = line.world.sign_in("agent")
    assert "could not be fetched" in agent.get(f"/messages/conversations/{conversation_id}").text
    assert {agent.get(f"/messages/media/{each.id}").status_code for each in found} == {404}
    assert not any(is_stored(line.world, each.file_key) for each in found)


def test_a_file_that_is_too_large_is_not_kept(twilio: Line, api: Api) -> None:
    conversation_id = comes(twilio, api, ("image/png", PNG + bytes(kinds.MAX_BYTES)))
    (failed,) = fetch_all(twilio.world, conversation_id)
    assert (failed.state, failed.problem) == ("failed", "It is larger than 10 MB.")


def test_more_files_than_ten_are_told_of_and_a_layout_is_none(twilio: Line, api: Api) -> None:
    conversation_id = comes(twilio, api, ("application/smil", b"<smil>"), *[("image/png", PNG)] * 12)
    found = of_conversation(twilio.world, conversation_id)
    assert [each.state for each in found] == ["waiting"] * 10 + ["failed"]
    assert found[-1].problem == "12 files came, and only the first 10 are kept."


def test_a_redirect_is_followed(twilio: Line, api: Api) -> None:
    conversation_id = comes(twilio, api, (f"{api.url}/files/store", b""), status=307)
    api.files["/files/store"] = (200, "image/png", PNG)
    (stored,) = fetch_all(twilio.world, conversation_id)
    assert stored.state == MediaState.STORED
    assert [path for path, _ in api.asked] == ["/files/0-0", "/files/store"]


def test_credentials_are_for_the_carriers_own_addresses(line: Line) -> None:
    driver = providers.driver(line.carrier)
    with line.world.session():
        account = db.session.get_one(CarrierAccount, line.account_id)
        own = line.world.app.config["CARRIER_API_URLS"].get(line.carrier, driver.home)
        assert bool(driver.media_at(account, f"{own}/a").user) == line.end.wants_password
        host = own.removeprefix("https://")
        for other in (
            f"{own}.example/a",
            f"https://example/{host}/a",
            f"{own}@example/a",
            f"http://{host}/a",
        ):
            assert driver.media_at(account, other).user is None
            assert not driver.media_at(account, other).own


@pytest.mark.parametrize(
    "address", ["https://169.254.169.254/latest", "http://localhost:1/", "https://10.0.0.1/a", "file:///etc"]
)
def test_nothing_inside_is_asked_for(twilio: Line, api: Api, address: str) -> None:
    number = new_number()
    twilio.text(number, "Look", files=[(address, "image/png")])
    direct = conversation_of(twilio.world, number)
    led = comes(twilio, api, (address, b""), status=302)
    for conversation_id in (direct, led):
        (missed,) = fetch_all(twilio.world, conversation_id)
        assert missed.state in {MediaState.WAITING, MediaState.FAILED}
        assert missed.problem in (
            "Its address is not one that files may come from.",
            "The carrier gave no address to fetch it from.",
        )


def test_a_carrier_that_fails_is_asked_again_later_and_at_last_given_up(line: Line, api: Api) -> None:
    conversation_id = comes(line, api, ("image/png", PNG), status=500)
    (missed,) = fetch_all(line.world, conversation_id)
    assert (missed.state, missed.attempts, missed.problem) == ("waiting", 1, "The carrier answered 500.")
    assert missed.next_attempt_at
    assert missed.next_attempt_at > datetime.now(UTC) + timedelta(seconds=5)
    fetch_all(line.world, conversation_id)
    assert len(api.asked) == 1
    let_pass(line.world, missed.id)
    (path,) = api.files
    api.files[path] = (200, "image/png", PNG)
    (stored,) = fetch_all(line.world, conversation_id)
    assert (stored.state, stored.problem) == ("stored", "")

    conversation_id = comes(line, api, ("image/png", PNG), status=404)
    (waiting,) = of_conversation(line.world, conversation_id)
    let_pass(line.world, waiting.id, attempts=11)
    (failed,) = fetch_all(line.world, conversation_id)
    assert (failed.state, failed.problem) == ("failed", "The carrier answered 404.")


def test_a_file_that_came_damaged_is_fetched_again(world: World, api: Api) -> None:
    line = Line(world, "telnyx").open()
    conversation_id = comes(line, api, ("image/png", PNG), hash_sha256=hashlib.sha256(JPEG).hexdigest())
    (missed,) = fetch_all(world, conversation_id)
    assert (missed.state, missed.problem) == ("waiting", "It came damaged.")


def test_a_lost_job_is_found_by_the_sweep(twilio: Line, api: Api) -> None:
    conversation_id = comes(twilio, api, ("image/png", PNG))
    (waiting,) = of_conversation(twilio.world, conversation_id)
    job_id = f"media-{twilio.world.tenant_id}-{waiting.id}"
    with twilio.world.app.app_context():
        assert waits("media", job_id) == 1
        rq.get_queue("media").empty()
    let_pass(twilio.world, waiting.id)
    sweep(twilio.world)
    with twilio.world.app.app_context():
        assert waits("media", job_id) == 1


def test_somebody_erased_while_their_file_is_fetched_leaves_none(twilio: Line, api: Api) -> None:
    conversation_id = comes(twilio, api, ("image/png", PNG))
    contact_id = twilio.world.contact_id_of(conversation_id)
    keys: list[str] = []

    def erased_meanwhile() -> None:
        keys.extend(each.file_key for each in of_conversation(twilio.world, conversation_id))
        erase(twilio.world, contact_id)
        sweep(twilio.world)

    api.meanwhile = erased_meanwhile
    assert fetch_all(twilio.world, conversation_id) == []
    assert api.asked
    assert keys != [""]
    assert not is_stored(twilio.world, keys[0])
