"""Noting at a campaign's recipients what becomes of their texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, update

from cadence_app.campaigns.models import Recipient, RecipientState
from cadence_app.extensions import db
from cadence_app.messaging.models import SENT_STATES, Message, MessageState

_BECAME = {
    MessageState.SENT: RecipientState.SENT,
    MessageState.DELIVERED: RecipientState.DELIVERED,
    MessageState.FAILED: RecipientState.FAILED,
    MessageState.SUPPRESSED: RecipientState.SUPPRESSED,
    MessageState.DROPPED: RecipientState.FAILED,
}
# What a text may yet become something else from: a receipt may come for one that was given up.
_OPEN = (RecipientState.SENDING, RecipientState.SENT, RecipientState.FAILED)


def follow_texts(messages: Sequence[Message]) -> None:
    """Notes at the recipients of campaigns' texts what has become of these. The caller commits."""
    alike = defaultdict[tuple[RecipientState, bool], list[int]](list)
    for message in messages:
        if message.campaign_id is not None and message.state in _BECAME:
            handed = message.state in SENT_STATES
            alike[_BECAME[message.state], handed].append(message.id)
    for (state, handed), message_ids in alike.items():
        db.session.execute(
            update(Recipient)
            .where(Recipient.message_id.in_(message_ids), Recipient.state.in_(_OPEN))
            .values(
                state=state,
                sent_at=func.coalesce(Recipient.sent_at, func.clock_timestamp()) if handed else None,
            )
            .execution_options(synchronize_session=False)
        )
