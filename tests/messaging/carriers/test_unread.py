"""What a carrier proved and nobody can read: answered, kept once, and before an admin; a STOP in it first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from cadence_app.accounts.models import Team, User
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.own_keywords import add_keyword
from cadence_app.contacts.models import Contact
from cadence_app.database_text import storable
from cadence_app.extensions import db
from cadence_app.messaging.carriers import intake
from cadence_app.messaging.carriers.jobs import sweep_carrier_events
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadPost
from cadence_app.messaging.providers.readings import dig
from tests import sizes
from tests.messaging.carriers.api import carrier_api
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.posting import Line
from tests.world import World, make_world, new_number


@pytest.fixture(params=CODES)
def line(request: pytest.FixtureRequest, world: World) -> Iterator[Line]:
    with carrier_api(world.app):
        yield Line(world, request.param).open()


def kept(world: World) -> list[UnreadPost]:
    """Detached, in the order in which they came."""
    with world.session():
        rows = list(db.session.scalars(select(UnreadPost).order_by(UnreadPost.id)))
        db.session.expunge_all()
        return rows


def contacts(world: World) -> int:
    with world.session():
        return len(db.session.scalars(select(Contact.id)).all())


def proven(line: Line, body: str) -> int:
    """Posts any body as the carrier would prove it, and returns the answer's status."""
    return line.post(line.proven(body)).status_code


def test_a_stop_counts_however_its_number_is_written(line: Line) -> None:
    for written, number in (
        ("+5215587654321", "+525587654321"),
        ("+525587654322", "+525587654322"),
        ("rcs:+12125550177", "+12125550177"),
        ("whatsapp:+12125550178", "+12125550178"),
        ("12125550179", "+12125550179"),
    ):
        assert line.text(written, "STOP").status_code == 200, written
        assert line.world.status(line.world.contact_id(number)) == "opted_out", written
    assert kept(line.world) == []


def test_a_stop_from_nobody_waits_first_and_makes_no_contact(line: Line) -> None:
    before = contacts(line.world)
    for count, sender in enumerate(("60755", "SUPPORT", "+266696687", "", "+1", "+1212555\x000123"), 1):
        for _ in range(3):
            assert line.text(sender, "STOP", f"one-and-the-same {count}").status_code == 200, sender
        posts = kept(line.world)
        assert len(posts) == count, sender
        assert posts[-1].due_on is not None, sender
        assert (posts[-1].sender, posts[-1].words) == (sender.replace("\x00", ""), "STOP")
    assert contacts(line.world) == before


def test_a_text_from_nobody_without_an_out_word_is_quiet(line: Line) -> None:
    assert line.text("60755", "Your code is 1234").status_code == 200
    assert [post.due_on for post in kept(line.world)] == [None]


def test_words_that_read_like_an_opt_out_and_the_organisations_own_stand_first(line: Line) -> None:
    with line.world.session():
        admin = db.session.get_one(User, line.world.admin_id)
        team = db.session.get_one(Team, line.world.team_id)
        add_keyword(admin, "baja ya", Meaning.OUT, team)
        db.session.commit()
    all_words = ("Please stop texting me", "unsubscribe", "Baja ya")
    for words in all_words:
        line.text("60755", words)
    assert [(post.words, post.due_on is None) for post in kept(line.world)] == [
        (words, False) for words in all_words
    ]


def test_what_is_due_is_due_ten_business_days_from_the_carriers_time(world: World) -> None:
    line = Line(world, "bandwidth").open()
    monday = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    # Only a time of the last weeks is believed.
    while monday < datetime.now(UTC) - timedelta(days=60):
        monday += timedelta(days=7)
    body = line.event("60755", "STOP", "m-1")
    body[0]["message"]["time"] = monday.isoformat()
    assert proven(line, json.dumps(body)) == 200
    (post,) = kept(world)
    said = min(monday, datetime.now(UTC))
    assert post.said_at.date() == said.date()
    if said == monday:
        assert post.due_on == (monday + timedelta(days=14)).date()


_BODIES = (
    "",
    "STOP",
    "null",
    "[]",
    "{}",
    "3",
    '"STOP"',
    '{"data": 3}',
    '{"data": {"event_type": "message.received", "payload": "STOP"}}',
    '{"data": {"event_type": ["message.received"]}}',
    '{"text": "STOP"',
    '{"text": "\\ud83d", "number": 1e999, "n": NaN}',
    '{"n": ' + "9" * 5000 + "}",
    "[" * 20_000,
    '{"a":' * 900 + '"STOP"' + "}" * 900,
    "STOP \x00 \ud83d".encode("utf-8", "replace").decode(),
    "[[[[{}]]], {}, 7, null]",
)


def test_whatever_is_proven_is_answered_and_kept_once(line: Line) -> None:
    before = 0
    for body in _BODIES:
        for _ in range(2):
            assert proven(line, body) == 200, body[:100]
        posts = kept(line.world)[before:]
        before += len(posts)
        if line.carrier == "bandwidth" and body == "[]":
            assert posts == []
        else:
            assert len(posts) == len({post.event_key for post in posts}) >= 1, body[:100]
        if "STOP" in body and "[" not in body:
            assert any(post.due_on for post in posts), body[:100]


@pytest.mark.parametrize("line", ["telnyx", "bandwidth"], indirect=True)
def test_one_of_another_kind_is_kept_only_where_it_may_be_an_opt_out(line: Line) -> None:
    for said in ("hello", "STOP"):
        event: Any = {"data": {"event_type": "message.new_kind", "payload": {"said": said}}}
        if line.carrier == "bandwidth":
            event = [{"type": "message-new-kind", "message": {"said": said}}]
        assert proven(line, json.dumps(event)) == 200
    assert [(post.due_on is None, "STOP" in post.content) for post in kept(line.world)] == [(False, True)]


def test_a_clock_that_is_no_time_keeps_no_stop_away(world: World) -> None:
    line = Line(world, "bandwidth").open()
    times: tuple[Any, ...] = (
        "yesterday",
        7,
        "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+14:00",
        None,
        [],
    )
    for at in times:
        number = new_number()
        body = line.event(number, "STOP", number)
        body[0]["message"]["time"] = at
        assert proven(line, json.dumps(body)) == 200
        assert world.status(world.contact_id(number)) == "opted_out"
    assert kept(world) == []


def test_a_post_of_over_two_megabytes_is_kept_by_hash_and_size_once_it_is_proven(line: Line) -> None:
    words = "please STOP " + "x" * 2_200_000
    sent = line.content(new_number(), words, "m-1")
    if proof := line.end.proof:
        assert line.post(sent._replace(headers=sent.headers | {proof: "none"})).status_code == 403
        assert kept(line.world) == []
    for _ in range(2):
        assert line.post(sent).status_code == 200
    (post,) = kept(line.world)
    assert (post.content, post.size, post.sha256) == (
        "",
        len(sent.body),
        hashlib.sha256(sent.body).hexdigest(),
    )
    assert post.due_on is not None


def test_what_is_too_large_to_be_proven_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cadence_app.messaging.providers.readings.LARGEST", 1000)
    line = Line(world, "telnyx").open()
    assert line.text(new_number(), "x" * 2000).status_code == 413


def test_a_post_is_answered_with_an_error_where_it_could_not_be_committed(line: Line) -> None:
    """The carrier then posts it again."""
    owner = sa.create_engine(line.world.app.config["DATABASE_OWNER_URL"])
    for table in ("carrier_events", "unread_posts"):
        fail = (
            "CREATE FUNCTION pg_temp_fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF NEW.account_id = {line.account_id} THEN RAISE 'the disk is full'; END IF;"
            " RETURN NULL; END $$;"
            f" CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION pg_temp_fail()"
        )
        number = new_number() if table == "carrier_events" else "60755"
        with owner.begin() as connection:
            connection.exec_driver_sql(fail)
        try:
            assert line.text(number, "STOP", table).status_code == 500
        finally:
            with owner.begin() as connection:
                connection.exec_driver_sql(f"DROP TRIGGER fail ON {table}; DROP FUNCTION pg_temp_fail()")
        assert line.text(number, "STOP", table).status_code == 200
    owner.dispose()
    assert len(kept(line.world)) == 1


def test_a_text_that_is_given_up_goes_to_an_admin_and_first_where_it_is_a_stop(world: World) -> None:
    line, nowhere = Line(world, "bandwidth").open(), new_number()
    number = new_number()
    line.text(number, "STOP", "m-1", to=nowhere)
    with world.session():
        db.session.execute(
            update(CarrierEvent).values(attempts=intake._AGAIN.attempts, next_attempt_at=sa.func.now())
        )
        db.session.commit()
    with world.app.app_context():
        sweep_carrier_events()
    (post,) = kept(world)
    assert (post.why, post.sender, post.words) == (f"No inbox has the number {nowhere}.", number, "STOP")
    assert post.due_on is not None
    with world.session():
        assert db.session.scalars(select(CarrierEvent.content)).all() == [{}]


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("STOP"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "from", "to", "type", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def _bent(draw: Callable[[st.SearchStrategy[Any]], Any], event: Any) -> Any:
    """The event with something in it replaced by anything."""
    if isinstance(event, dict) and event and draw(st.integers(0, 4)):
        name = draw(st.sampled_from(sorted(event)))
        return event | {name: _bent(draw, event[name])}
    if isinstance(event, list) and event and draw(st.integers(0, 4)):
        return [_bent(draw, event[0]), *event[1:]]
    return draw(_anything)


@pytest.mark.parametrize("line", [code for code in CODES if not ENDS[code].is_form], indirect=True)
@pytest.mark.sized
@settings(max_examples=sizes.size(8, 100), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_content_of_a_proven_post_is_refused(line: Line, data: st.DataObject) -> None:
    bent = _bent(data.draw, line.event(new_number(), "STOP", new_number()))
    body = json.dumps(bent)
    before = held(line.world)
    assert proven(line, body) == 200
    after = held(line.world)
    assert proven(line, body) == 200
    assert held(line.world) == after
    # A STOP in it is let go only where it came before, by its id or by all that it says.
    said = [part for part in parts_of(line, bent) if "STOP" in part]
    same = {body, message_id_of(line, bent)} & _seen or (said and _seen.issuperset(said))
    assert after > before or "STOP" not in body or same
    _seen.update({body, message_id_of(line, bent), *parts_of(line, bent)} - {""})


_seen: set[str] = set()


def message_id_of(line: Line, event: Any) -> str:
    found = dig(event, *line.end.id_path)
    return f"{line.carrier} {storable(found)}" if found and isinstance(found, str) else ""


def parts_of(line: Line, event: Any) -> list[str]:
    """What a post says of several things at once, which Bandwidth's may: each is known again by itself."""
    several = line.carrier == "bandwidth" and isinstance(event, list) and len(event) > 1
    return [json.dumps(each, sort_keys=True) for each in event] if several else []


def test_a_stop_among_others_of_a_post_is_kept_once_whatever_stands_beside_it(world: World) -> None:
    line = Line(world, "bandwidth").open()
    for body in ('["STOP", 0]', '[null, "STOP"]', '["STOP", null]'):
        assert proven(line, body) == 200
    assert [post.content for post in kept(world) if post.due_on] == ['"STOP"']


@pytest.mark.sized
@settings(max_examples=sizes.size(8, 100), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    form=st.dictionaries(
        st.sampled_from(["MessageSid", "From", "To", "Body", "NumMedia", "MediaUrl0", "SmsStatus", "x"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.just("STOP"),
        min_size=1,
    )
)
def test_no_form_that_twilio_proves_is_refused(app: Any, form: dict[str, str]) -> None:
    line = twilio_line(app)
    before = held(line.world)
    assert line.post(line.end.posted(form, line.address)).status_code == 200
    after = held(line.world)
    assert after > before or known(line, form)
    assert line.post(line.end.posted(form, line.address)).status_code == 200
    assert held(line.world) == after


_lines: list[Line] = []


def twilio_line(app: Any) -> Line:
    """One for all examples."""
    if not _lines:
        _lines.append(Line(make_world(app, "teams"), "twilio").open())
    return _lines[0]


def known(line: Line, form: dict[str, str]) -> bool:
    """Whether the id of a form has been posted before."""
    key = f"text {form.get('MessageSid', '')}".replace("\x00", "")
    with line.world.session():
        events = db.session.scalars(select(CarrierEvent.event_key)).all()
        posts = db.session.scalars(select(UnreadPost.event_key)).all()
    return key in {*events, *posts} or not form.get("MessageSid")


def held(world: World) -> int:
    with world.session():
        events = db.session.scalars(select(CarrierEvent.id)).all()
        return len(events) + len(db.session.scalars(select(UnreadPost.id)).all())
