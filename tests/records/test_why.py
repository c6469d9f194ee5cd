"""Why this could go: what the page of a text of ours says, to whom, and what nobody kept."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import select, update

from cadence_app.consent.as_of import changes_in, standing_at
from cadence_app.consent.models import OptOutChange, Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Conversation, Message, MessageKind
from cadence_app.messaging.sending import deliver
from cadence_app.messaging.text_template_models import TextTemplate
from cadence_app.records import certified_texts, sent_text, why_sent
from cadence_app.records.sent_text import How
from tests.messaging.undoing import press
from tests.records.people import IN, OUT, merge, opt
from tests.world import World, new_number


@pytest.fixture
def talk(world: World) -> int:
    """A conversation that began with a text of theirs."""
    return world.text(new_number(), "Is the office open?").conversation_id


def sent(world: World, talk: int, body: str = "Until five.", user_id: int | None = None) -> int:
    message_id = press(world, talk, body, user_id)
    with world.session():
        deliver(message_id)
    return message_id


def change(world: World, message_id: int, **values: Any) -> None:
    with world.session():
        db.session.execute(update(Message).where(Message.id == message_id).values(**values))
        db.session.commit()


def forget_what_decided(world: World, message_id: int) -> None:
    """As with a text of before it was kept."""
    change(world, message_id, decided_at=None, decided_change_id=None, decided_standing=None)


def page(world: World, talk: int, message_id: int, role: str = "agent") -> str:
    answer = world.sign_in(role).get(f"/messages/conversations/{talk}/texts/{message_id}")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_a_text_that_went_says_who_pressed_from_where_to_where_and_what_the_carrier_said(
    world: World, talk: int
) -> None:
    message_id = sent(world, talk)
    with world.session():
        message = db.session.get_one(Message, message_id)
        ours, theirs = message.conversation.inbox.number, message.conversation.contact.number
        kept = [message.created_at, message.sending_since, message.provider_at]
        known = message.provider_message_id
    told = page(world, talk, message_id)
    for said in ("Why this could go", "Until five.", "Agent Person", "Front desk, Admissions", known):
        assert said
        assert said in told, said
    for moment in kept:
        assert moment
        assert f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" in told
    assert "Delivered: the carrier says that it arrived" in told
    # From and to, as people write numbers.
    for number in (ours, theirs):
        assert f"({number[2:5]}) {number[5:8]}-{number[8:]}" in told


@pytest.mark.parametrize("kept", [True, False])
def test_the_consent_is_that_of_the_moment_and_not_of_today(world: World, talk: int, kept: bool) -> None:
    message_id = sent(world, talk)
    if not kept:
        forget_what_decided(world, message_id)
    contact_id = world.contact_id_of(talk)
    first = world.history(contact_id)[0]
    before = page(world, talk, message_id)
    opt(world, contact_id, OUT)
    after = page(world, talk, message_id)
    for told in (before, after):
        consent = told[told.index("Their consent at that moment") : told.index("From and to")]
        assert "Opted in" in consent
        assert "Opted out" not in consent
        assert f"#row-{first.id}" in consent
        assert "First text from this number" in consent
        assert "By their own text" in consent
        assert ("Worked out afterwards from the history" in consent) != kept


def test_a_text_that_consent_kept_back_says_by_which_bar_and_what_was_not_kept(
    world: World, talk: int
) -> None:
    contact_id = world.contact_id_of(talk)
    row = opt(world, contact_id, OUT)
    message_id = press(world, talk, "Still there?")
    told = page(world, talk, message_id)
    assert "Why this did not go" in told
    assert f"#row-{row}" in told
    asked = told[told.index("What was checked before it went") :]
    answers = [part.split("</span>")[0].rpartition(">")[2] for part in asked.split('<th scope="row">')[1:]]
    assert answers == [*["No"] * 4, "Yes: this kept the text back", *["Not recorded"] * 2][: len(answers)]
    assert answers.count("Yes: this kept the text back") == 1
    assert "Handed to the carrier</dt><dd><bdi>Never</bdi>" in told


def test_a_stop_that_came_as_the_text_was_going_is_the_row_that_is_shown(world: World, talk: int) -> None:
    message_id = press(world, talk, "Are you coming?")
    row = opt(world, world.contact_id_of(talk), OUT)
    with world.session():
        deliver(message_id)
    # As if it had come after the try began and before it was decided.
    change(world, message_id, sending_since=datetime.now(UTC) - timedelta(hours=1))
    told = page(world, talk, message_id)
    assert "Why this did not go" in told
    assert f"#row-{row}" in told


def test_what_an_old_text_never_kept_is_not_made_up(world: World, talk: int) -> None:
    message_id = sent(world, talk)
    forget_what_decided(world, message_id)
    change(world, message_id, sending_since=None, provider_at=None, provider_message_id=None, user_id=None)
    told = page(world, talk, message_id)
    for label in ("Written by", "Send pressed by", "Decided", "Handed to the carrier", "Carrier&#39;s id"):
        assert f'{label}</dt><dd><span class="text-secondary">Not recorded</span>' in told, label


def test_a_saved_text_is_named_only_where_the_words_are_the_same(world: World, talk: int) -> None:
    with world.session():
        db.session.add(
            TextTemplate(tenant_id=world.tenant_id, team_id=world.team_id, name="Hours", body="Until five.")
        )
        db.session.commit()
    assert "Word for word “Hours” as it is now" in page(world, talk, sent(world, talk))
    other = page(world, talk, sent(world, talk, "Until six."))
    assert "Word for word" not in other


def test_an_automatic_answer_says_that_nobody_pressed_send(world: World, talk: int) -> None:
    with world.session():
        theirs = db.session.get_one(Conversation, talk).contact.number
    world.text(theirs, "STOP")
    answer = next(each for each in world.messages(talk) if each.kind == MessageKind.OPT_OUT_REPLY)
    told = page(world, talk, answer.id)
    assert "Automatic opt-out confirmation" in told
    assert "Nobody: it answered their own text" in told


def test_who_may_not_see_the_conversation_may_not_see_why(
    world: World, legacy_world: World, talk: int
) -> None:
    message_id = sent(world, talk)
    inbound = world.messages(talk)[0].id
    private = world.text(new_number(), "hello", inbox=world.other_personal).conversation_id
    theirs = press(world, private, "Hello you", world.admin_id)
    agent = world.sign_in("agent")
    for path in (
        f"{talk}/texts/{inbound}",
        f"{private}/texts/{theirs}",
        f"{talk}/texts/{theirs}",
        f"{private}/texts/{message_id}",
        f"{talk}/texts/{2**62}",
    ):
        assert agent.get(f"/messages/conversations/{path}").status_code == 404, path
    foreign = legacy_world.sign_in("admin")
    assert foreign.get(f"/messages/conversations/{talk}/texts/{message_id}").status_code == 404


def test_the_thread_and_the_record_lead_to_it(world: World, talk: int) -> None:
    message_id = sent(world, talk)
    agent = world.sign_in("agent")
    link = f'href="/messages/conversations/{talk}/texts/{message_id}"'
    assert link in agent.get(f"/messages/conversations/{talk}").text
    assert link in agent.get(f"/contacts/{world.contact_id_of(talk)}").text


def test_a_text_from_before_a_merge_of_two_who_both_had_a_status_is_unclear(world: World, talk: int) -> None:
    other = world.add_contact()
    opt(world, other, OUT)
    message_id = sent(world, talk)
    first = world.history(world.contact_id_of(talk))[0]
    merge(world, world.contact_id_of(talk), other)
    unclear = "Two records of this person were merged after this text"
    told = page(world, talk, message_id)
    assert unclear not in told
    assert f"#row-{first.id}" in told
    forget_what_decided(world, message_id)
    assert unclear in page(world, talk, message_id)


def test_the_certificate_names_each_text_between_the_changes(world: World, talk: int) -> None:
    contact_id = world.contact_id_of(talk)
    message_id = sent(world, talk)
    opt(world, contact_id, OUT)
    path = f"/contacts/{contact_id}/certificate"
    admin = world.sign_in("admin")
    told = " ".join(admin.get(path).text.split())
    first, second = world.history(contact_id)
    places = [
        told.index(f'id="{each}"') for each in (f"row-{first.id}", f"text-{message_id}", f"row-{second.id}")
    ]
    assert places == sorted(places)
    assert "consent at that moment: opted in by change 1" in told
    assert "worked out afterwards" not in told
    paper = " ".join(
        " ".join(
            part.extract_text() for part in PdfReader(io.BytesIO(admin.get(f"{path}.pdf").data)).pages
        ).split()
    )
    assert "Written and sent by Agent Person" in paper
    assert "opted in by change 1" in paper
    assert "The one text to them stands between the changes" in paper


def test_a_certificate_names_the_latest_texts_only_and_says_how_many_there_are(
    world: World, talk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certified_texts, "MOST", 2)
    ids = [sent(world, talk, f"Text {number}") for number in range(3)]
    told = world.sign_in("admin").get(f"/contacts/{world.contact_id_of(talk)}/certificate").text
    assert "the latest 2 of the 3 texts to them" in " ".join(told.split())
    assert [f'id="text-{each}"' in told for each in ids] == [False, True, True]


def test_an_agents_certificate_has_no_text_of_a_colleagues_inbox(world: World, talk: int) -> None:
    contact_id = world.contact_id_of(talk)
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.personal)).one()
        theirs = Conversation(
            tenant_id=world.tenant_id,
            inbox_id=inbox.id,
            contact_id=contact_id,
            last_message_at=datetime.now(UTC),
        )
        db.session.add(theirs)
        db.session.commit()
        private, inbox_id = theirs.id, inbox.id
    message_id = sent(world, private, "Between us")
    seen = {
        role: f'id="text-{message_id}"' in world.sign_in(role).get(f"/contacts/{contact_id}/certificate").text
        for role in ("agent", "admin")
    }
    assert seen == {"agent": True, "admin": True}
    with world.session():
        db.session.execute(update(Inbox).where(Inbox.id == inbox_id).values(user_id=world.admin_id))
        db.session.commit()
    told = world.sign_in("agent").get(f"/contacts/{contact_id}/certificate").text
    assert f'id="text-{message_id}"' not in told


def test_the_row_that_the_sender_kept_wins_over_what_the_history_would_say(world: World, talk: int) -> None:
    message_id = sent(world, talk)
    contact_id = world.contact_id_of(talk)
    later = opt(world, contact_id, OUT)
    with world.session():
        message = db.session.get_one(Message, message_id)
        # The sender's own column.
        for name, kept in (("decided_change_id", later), ("decided_at", datetime.now(UTC))):
            setattr(message, name, kept)
        changes = changes_in(contact_id, [world.team_id])
        then, how = why_sent.row_then(message, changes, {})
        assert then.change
        assert (then.change.id, how) == (later, How.RECORDED)
        assert sent_text.moment_of(message) == sent_text.decided(message).at
        db.session.rollback()


# Rows of one team: (record, minute, status); records 2 and 3 may be merged into 1.
_ROWS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 20), st.sampled_from((IN, OUT))), max_size=8)


def _at(minute: int) -> datetime:
    return datetime(2026, 1, 1, 0, minute, tzinfo=UTC)


@given(_ROWS, st.dictionaries(st.sampled_from((2, 3)), st.integers(0, 20)), st.integers(0, 20))
def test_the_row_that_stood_is_the_last_of_the_record_that_there_was(
    rows: list[tuple[int, int, Status]], merged: dict[int, int], minute: int
) -> None:
    ordered = sorted(rows, key=lambda row: row[1])
    changes = [
        OptOutChange(id=place, contact_id=record, changed_at=_at(at), status=status)
        for place, (record, at, status) in enumerate(ordered)
        if record == 1 or record in merged
    ]
    found = standing_at(changes, 1, {record: _at(at) for record, at in merged.items()}, _at(minute))
    past = [each for each in changes if each.changed_at <= _at(minute)]
    apart = {
        each.contact_id for each in past if each.contact_id in merged and merged[each.contact_id] > minute
    }
    if found.unclear:
        assert apart
        assert len({each.contact_id for each in past}) > 1
    elif found.change is None:
        assert not past
    else:
        assert found.change in past
        # Nothing later of the same record.
        assert found.change is [each for each in past if each.contact_id == found.change.contact_id][-1]
    if not apart and any(each.contact_id == 1 for each in past):
        assert found.change is [each for each in past if each.contact_id == 1][-1]
