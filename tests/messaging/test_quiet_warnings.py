"""What is said before a text comes in somebody's night, by whose clock; and days on which clocks turn."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update
from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from cadence_app.accounts.models import Tenant, User
from cadence_app.contacts import service as contacts
from cadence_app.extensions import db
from cadence_app.form_fields import LaterField
from cadence_app.messaging import quiet_warnings
from cadence_app.messaging.models import Message, ScheduledText
from tests.world import World, new_number

# Numbers of Denver, of Los Angeles, of New York, and of an area in two time zones.
DENVER, PACIFIC, EASTERN = "+1303", "+1213", "+1212"
NOON_IN_DENVER = datetime(2026, 12, 1, 19, tzinfo=UTC)


def quiet_all_day(world: World) -> None:
    """But for the hour that begins in twelve: it is everybody's night now."""
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        there = (datetime.now(tenant.zone).hour + 12) % 24
        tenant.texts_from, tenant.texts_until = there, there + 1
        db.session.commit()


def hours(world: World, first: int, until: int) -> None:
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.texts_from, tenant.texts_until = first, until
        db.session.commit()


def heard(world: World, ago: timedelta) -> str:
    """The path of a conversation whose contact, in New York, wrote so long ago."""
    talk = world.text(EASTERN + new_number()[5:], "hi").conversation_id
    with world.session():
        theirs = update(Message).where(Message.conversation_id == talk)
        at = datetime.now(UTC) - ago
        db.session.execute(theirs.values(created_at=at, provider_at=at))
        db.session.commit()
    return f"/messages/conversations/{talk}"


def sent(world: World) -> int:
    with world.session():
        return db.session.scalars(
            select(func.count()).select_from(Message).where(Message.user_id.is_not(None))
        ).one()


def value(page: str, name: str = "quiet_told") -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    return unescape(found[1]) if found else ""


def test_whoever_writes_into_somebodys_night_is_told_before_it_goes(world: World) -> None:
    path, agent = heard(world, timedelta(hours=2)), world.sign_in("agent")
    quiet_all_day(world)
    # A page from before the night began.
    stopped = agent.post(f"{path}/send", {"body": "Good evening"})
    assert stopped.status_code == 422
    assert "Not sent yet." in stopped.text
    assert "Your quiet hours are" in stopped.text
    assert "Good evening" in stopped.text
    assert sent(world) == 0
    # One that says it is sent at once.
    page = agent.get(path).text
    assert "Your quiet hours are" in page
    assert agent.post(f"{path}/send", {"body": "Good evening", "quiet_told": value(page)}).status_code == 302
    assert sent(world) == 1


def test_an_answer_to_what_has_just_come_in_is_not_warned_about(world: World) -> None:
    path, agent = heard(world, timedelta(minutes=50)), world.sign_in("agent")
    quiet_all_day(world)
    assert "Your quiet hours are" not in agent.get(path).text
    assert agent.post(f"{path}/send", {"body": "Good evening"}).status_code == 302
    assert sent(world) == 1


def test_a_new_text_is_held_up_too_and_the_person_is_not_added_yet(world: World) -> None:
    quiet_all_day(world)
    agent, number = world.sign_in("agent"), new_number()
    page = agent.get(f"/messages/new?number={number.replace('+', '%2B')}").text
    form = {"number": number, "first_name": "Noor", "last_name": "", "body": "Hello"}
    form |= {"from": re.findall(r'<option value="(\d+)" selected', page)[0], "once": value(page, "once")}
    stopped = agent.post("/messages/new", form)
    assert stopped.status_code == 422
    assert "Not sent yet." in stopped.text
    with world.session():
        assert contacts.first_found(db.session.get_one(User, world.admin_id), "Noor") == []
    assert agent.post("/messages/new", form | {"quiet_told": value(stopped.text)}).status_code == 302
    assert sent(world) == 1


def test_a_text_for_a_time_in_their_night_asks_and_is_set_by_the_button_that_says_so(world: World) -> None:
    # An answer too: by then it is none to something just received.
    path, agent = heard(world, timedelta()), world.sign_in("agent")
    hours(world, 8, 21)
    day = datetime.now(ZoneInfo("America/New_York")).date() + timedelta(days=3)
    form = {"body": "Hello", "send_at": f"{day}T02:15", "later": "1"}
    asked = agent.post(f"{path}/send", form)
    assert asked.status_code == 422
    assert "Your quiet hours are 9:00 PM to 8:00 AM." in asked.text
    exact = re.findall(r'name="send_at" value="([^"]+)">Set it anyway', asked.text)[0]
    # What was told of one time holds for no other.
    other = {"body": "Hello", "send_at": f"{day}T03:15", "later": "1", "quiet_told": value(asked.text)}
    assert agent.post(f"{path}/send", other).status_code == 422
    told = {"body": "Hello", "send_at": [form["send_at"], exact], "quiet_told": value(asked.text)}
    assert agent.post(f"{path}/send", told).status_code == 302
    with world.session():
        text = db.session.scalars(select(ScheduledText)).one()
        assert text.send_at.astimezone(ZoneInfo("America/New_York")).strftime("%H:%M") == "02:15"
    edit = f"{path}/later/{text.id}"
    assert agent.post(edit, {"body": "Hello", "send_at": f"{day}T23:30"}).status_code == 422
    assert agent.post(edit, {"body": "Hello", "send_at": f"{day}T12:30"}).status_code == 302


def test_a_usual_time_is_set_by_one_button_by_the_persons_clock(world: World) -> None:
    path, agent = heard(world, timedelta()), world.sign_in("agent")
    exact = re.findall(
        r'later-preset" name="send_at" value="([^"]+)"><span>(\w+) 9:00 AM', agent.get(path).text
    )
    assert exact[0][1] == "Tomorrow"
    assert agent.post(f"{path}/send", {"body": "Hello", "send_at": ["", exact[0][0]]}).status_code == 302
    with world.session():
        assert db.session.scalars(select(ScheduledText.send_at)).one() == datetime.fromisoformat(exact[0][0])


def person(world: World, zone: str) -> User:
    user = db.session.get_one(User, world.agent_id)
    user.time_zone = zone
    return user


def test_both_clocks_are_shown_where_they_differ(world: World) -> None:
    with world.session():
        user = person(world, "America/Denver")
        at = datetime(2026, 12, 1, 16, tzinfo=UTC)
        assert quiet_warnings.both_clocks(user, f"{PACIFIC}5550123", at) == "9:00 AM Denver, 8:00 AM for them"
        assert quiet_warnings.both_clocks(user, f"{DENVER}5550123", at) == ""
        late = datetime(2026, 12, 2, 5, 30, tzinfo=UTC)
        assert (
            quiet_warnings.both_clocks(user, f"{EASTERN}5550123", late)
            == "Tue 10:30 PM Denver, Wed 12:30 AM for them"
        )
        # Toll-free: nobody's area.
        assert quiet_warnings.both_clocks(user, "+18005550123", at) == ""
        assert quiet_warnings.hint(user, f"{PACIFIC}5550123").endswith("For them it is 1 hour earlier.")
        db.session.rollback()


def test_usual_times_are_the_persons_where_their_clock_is_known_and_else_the_organizations(
    world: World,
) -> None:
    with world.session():
        user = person(world, "America/Denver")
        (tomorrow, monday) = quiet_warnings.presets(user, f"{PACIFIC}5550123", NOON_IN_DENVER)
        assert (tomorrow.label, tomorrow.value) == ("Tomorrow 9:00 AM", "2026-12-02T10:00-07:00")
        assert tomorrow.clocks == "10:00 AM Denver, 9:00 AM for them"
        assert (monday.label, monday.value) == ("Monday 9:00 AM", "2026-12-07T10:00-07:00")
        # The organization is in New York.
        assert quiet_warnings.presets(user, "", NOON_IN_DENVER)[0].value == "2026-12-02T07:00-07:00"
        # A usual time is never in the night, and never on another day.
        user.tenant.texts_from, user.tenant.texts_until = 10, 20
        assert (
            quiet_warnings.presets(user, f"{PACIFIC}5550123", NOON_IN_DENVER)[0].label == "Tomorrow 10:00 AM"
        )
        user.tenant.texts_from, user.tenant.texts_until = 5, 6
        assert quiet_warnings.presets(user, f"{PACIFIC}5550123", NOON_IN_DENVER) == []
        db.session.rollback()


def test_on_a_monday_the_usual_monday_is_called_the_next_one(world: World) -> None:
    with world.session():
        user = person(world, "America/Denver")
        monday = datetime(2026, 11, 30, 19, tzinfo=UTC)
        found = quiet_warnings.presets(user, f"{DENVER}5550123", monday)
        assert [each.label for each in found] == ["Tomorrow 9:00 AM", "Next Monday 9:00 AM"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (f"{PACIFIC}5550123", "It is 6:30 AM for them."),
        ("+18005550123", "It is 4:30 AM in part of the area that their number is from."),
        ("+14235550123", ""),
    ],
)
def test_the_warning_says_whose_clock_shows_what(world: World, number: str, words: str) -> None:
    """Half past nine in New York is half past six in Los Angeles."""
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.texts_from, tenant.texts_until = 8, 21
        found = quiet_warnings._words(tenant, number, datetime(2026, 12, 1, 14, 30, tzinfo=UTC), "It is")
        assert found == (f"{words} Your quiet hours are 9:00 PM to 8:00 AM." if words else "")
        unknown = quiet_warnings._words(tenant, "+8705550123", datetime(2026, 12, 1, 7, tzinfo=UTC), "It is")
        assert unknown.startswith("It is 2:00 AM in New York, and where they are is not known.")
        db.session.rollback()


# Days on which clocks are turned.

NEW_YORK = ZoneInfo("America/New_York")


class At(Form):
    at = LaterField("At")


def next_turn(forward: bool) -> datetime:
    """The next day on which New York turns its clocks, at half past what is left out or comes twice."""
    now = datetime.now(NEW_YORK).replace(tzinfo=None, second=0, microsecond=0)
    for ahead in range(1, 366):
        day = (now + timedelta(days=ahead)).replace(hour=2 if forward else 1, minute=30)
        first, second = (day.replace(tzinfo=NEW_YORK, fold=fold).utcoffset() for fold in (0, 1))
        if first != second:
            return day
    raise AssertionError("no turn within a year")


def checked(*typed: str) -> At:
    form = At(MultiDict([("at", each) for each in typed]))
    form.at.check(NEW_YORK)
    return form


def test_a_time_that_comes_twice_is_said_with_both_and_either_can_be_meant() -> None:
    wanted = next_turn(forward=False)
    form = At(MultiDict({"at": wanted.isoformat(timespec="minutes")}))
    with pytest.raises(ValidationError, match="1:30 AM comes twice on Nov"):
        form.at.check(NEW_YORK)
    assert [each.label for each in form.at.meant] == ["1:30 AM EDT", "1:30 AM EST"]
    first, second = (checked("", each.value).at.instant for each in form.at.meant)
    assert second - first == timedelta(hours=1)


def test_a_time_that_does_not_exist_is_said_with_those_around_it() -> None:
    wanted = next_turn(forward=True)
    form = At(MultiDict({"at": wanted.isoformat(timespec="minutes")}))
    with pytest.raises(ValidationError, match="There is no 2:30 AM on Mar"):
        form.at.check(NEW_YORK)
    assert [each.label for each in form.at.meant] == ["1:30 AM EST", "3:30 AM EDT"]


@pytest.mark.parametrize(
    "typed", ["2026-11-01T01:30+99:00", "0001-01-01T00:00+14:00", "soon", "2026-11-01T01:30Z0"]
)
def test_an_exact_time_that_is_none_is_refused(typed: str) -> None:
    form = At(MultiDict({"at": typed}))
    assert form.at.process_errors


def test_a_text_and_a_snooze_say_so_at_their_field_and_take_the_time_that_is_meant(world: World) -> None:
    path, agent = heard(world, timedelta()), world.sign_in("agent")
    wanted = next_turn(forward=False).isoformat(timespec="minutes")
    asked = agent.post(f"{path}/send", {"body": "Hello", "send_at": wanted, "later": "1"})
    assert asked.status_code == 422
    assert "comes twice" in asked.text
    (first, second) = re.findall(r'name="send_at" value="([^"]+)">1:30 AM', asked.text)
    assert agent.post(f"{path}/send", {"body": "Hello", "send_at": [wanted, second]}).status_code == 302
    with world.session():
        assert db.session.scalars(select(ScheduledText.send_at)).one() == datetime.fromisoformat(second)
    seen = max(text.id for text in world.messages(int(path.rsplit("/", 1)[1])))
    asked = agent.post(f"{path}/done", {"do": "at", "at": wanted, "seen": seen})
    assert asked.status_code == 422
    assert 'id="snooze-at-error"' in asked.text
    (exact, _) = re.findall(r'name="do" value="([^"]+)" form="done-form">1:30 AM', asked.text)
    assert agent.post(f"{path}/done", {"do": exact, "seen": seen}).status_code == 302
    assert exact == first
