"""Which campaign a person answers: the one that texted them last, from the inbox they write to, in the seven
days before they wrote.

What is an answer is the desk's rule (messaging/answering.py): a keyword that was acted on and a reaction are
none. When they first answered is noted with the text that says so, in its transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from cadence_app.campaigns.models import Campaign, Recipient, RecipientState
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message, MessageState

# The same for an answer and for an opt out (results.py). Hours, for seven days may be 167 or 169 of them.
COUNTS_FOR = timedelta(hours=168)
# A carrier's clock may be behind ours by this much, and an answer come before the receipt of the text.
_CLOCKS = timedelta(minutes=1)
_MAY_HAVE_COME = (MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED)


def note_answer(conversation: Conversation, written_at: datetime) -> None:
    """Notes at the campaign that a person's text answers, if it answers one, that they did; the first time
    counts. `written_at` is the carrier's word of when. The caller holds the contact, and commits."""
    texted = (
        select(Recipient.id)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .join(Message, Message.id == Recipient.message_id)
        .where(
            Recipient.contact_id == conversation.contact_id,
            Campaign.inbox_id == conversation.inbox_id,
            Recipient.state != RecipientState.LEFT_OUT,
            Message.state.in_(_MAY_HAVE_COME),
            Message.created_at <= written_at + _CLOCKS,
            Message.created_at > written_at - COUNTS_FOR,
        )
        .order_by(Recipient.message_id.desc())
        .limit(1)
    )
    db.session.execute(
        update(Recipient)
        .where(Recipient.id == texted.scalar_subquery(), Recipient.answered_at.is_(None))
        .values(answered_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
