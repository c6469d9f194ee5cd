"""What the demo's colleagues leave for each other: notes, and whose a conversation is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.messaging import assignments, notes
from cadence_app.messaging.for_me_models import ForMe
from cadence_app.messaging.models import Conversation

_SHOWN = 6


def load_desk(admin: User, agent: User) -> None:
    """Notes and assignments in the latest conversations of shared inboxes that both work in."""
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
            body = f"@{agent.name.split()[0]} they rang too. Please answer here, not by phone."
            notes.add(admin, conversation, body).created_at = said_at
        elif index % 3 == 1:
            assignments.assign(admin, conversation, agent.id, None)
        else:
            assignments.assign(agent, conversation, agent.id, None)
            notes.add(agent, conversation, "Waiting for the registrar's answer.")
    db.session.flush()
    # The demo's users were told of it long ago.
    db.session.execute(update(ForMe).values(told_at=func.now(), mailed_at=func.now()))
