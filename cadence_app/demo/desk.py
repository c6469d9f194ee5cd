"""What the demo's colleagues leave for each other: notes, whose a conversation is, and what is done by now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes import out_of_office
from cadence_app.inboxes.models import AwayMode, Inbox, InboxKind
from cadence_app.inboxes.out_of_office import USUAL, Setting
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging import answering, assignments, drafts, notes
from cadence_app.messaging.draft_models import What
from cadence_app.messaging.for_me_models import ForMe
from cadence_app.messaging.models import Conversation, ConversationState, Message
from cadence_app.messaging.out_of_office import default_text
from cadence_app.messaging.snooze_times import When, choices

_SHOWN = 6
_RECENT = 40
# Of four that wait for nothing one is snoozed and one left open; the others are done.
_SNOOZED, _DONE = 1, (0, 2)


def load_desk(admin: User, agent: User) -> None:
    """Notes, assignments and drafts in the latest conversations of shared inboxes that both work in."""
    inboxes = select(Inbox.id).where(
        Inbox.kind == InboxKind.SHARED, Inbox.team_id.in_([team.id for team in agent.teams])
    )
    latest = (
        select(Conversation)
        .join(Conversation.contact)
        .where(Conversation.inbox_id.in_(inboxes), Contact.gone_at.is_(None))
    )
    found = db.session.scalars(latest.order_by(Conversation.last_message_at.desc()).limit(_SHOWN)).all()
    for index, conversation in enumerate(found):
        said_at = min(conversation.last_message_at + timedelta(minutes=4), datetime.now(UTC))
        if index % 3 == 0:
            body = f"@{agent.name.split()[0]} they called too. Please answer here, not by phone."
            notes.add(admin, conversation, body).created_at = said_at
        elif index % 3 == 1:
            assignments.assign(admin, conversation, agent.id, None)
        else:
            assignments.assign(agent, conversation, agent.id, None)
            notes.add(agent, conversation, "Waiting for the registrar's answer.")
    for user, place, what, words in (
        (agent, 1, What.TEXT, "Thank you! I asked, and the answer is"),
        (agent, 4, What.NOTE, "Ask Financial Aid before"),
        (admin, 2, What.TEXT, "The office is open until five today. If you"),
    ):
        for conversation in found[place : place + 1]:
            drafts.keep(user, conversation, what, words)
    db.session.flush()
    _finish(agent, found)
    _closes_at_five(admin, agent)


def _closes_at_five(admin: User, agent: User) -> None:
    """An inbox that the agent does not work in, if there is one, answers by itself outside of office hours."""
    others = Inbox.team_id.not_in([team.id for team in agent.teams])
    shared = select(Inbox).where(Inbox.kind == InboxKind.SHARED, others).order_by(Inbox.id.desc()).limit(1)
    if inbox := db.session.scalars(shared).first():
        text = default_text(admin.tenant.name, inbox.team.name)
        setting = Setting(AwayMode.HOURS, text, USUAL, admin.tenant.time_zone)
        out_of_office.choose(admin, inbox, setting)


def _finish(agent: User, shown: Sequence[Conversation]) -> None:
    """Most of what waits for no reply is done, a little is snoozed to tomorrow morning."""
    mine = select(Inbox.id).where(visible_to(agent))
    finished = select(Conversation).where(
        Conversation.inbox_id.in_(mine),
        Conversation.state == ConversationState.OPEN,
        Conversation.waiting_since.is_(None),
        Conversation.id.not_in([each.id for each in shown]),
    )
    latest = finished.order_by(Conversation.listed_at.desc()).limit(_RECENT)
    tomorrow = next(each.at for each in choices(agent.zone) if each.when != When.LATER_TODAY)
    for index, conversation in enumerate(db.session.scalars(latest).all()):
        seen_id = db.session.scalars(
            select(func.max(Message.id)).where(Message.conversation_id == conversation.id)
        ).one()
        at = conversation.last_message_at + timedelta(minutes=6)
        change = None
        if index % 4 == _SNOOZED:
            change = answering.snooze(agent, conversation, tomorrow, seen_id)
        elif index % 4 in _DONE:
            change = answering.done(agent, conversation, seen_id)
        if change:
            change.created_at = min(at, datetime.now(UTC))
    db.session.flush()
    # The demo's users were told of it long ago.
    db.session.execute(update(ForMe).values(told_at=func.now(), mailed_at=func.now()))
