"""What a decided possible opt out means for the conversations it was written in: its words need no reply any
more, and do again where the decision is taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from cadence_app.consent import flag_followers
from cadence_app.consent.flag_followers import Settled
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answering
from cadence_app.messaging.models import Conversation, Message


def note(settled: Sequence[Settled]) -> None:
    """Called in the transaction that decides, which holds the contacts; the conversations are held in the
    order of their ids."""
    contacts = {each.contact_id for each in settled}
    query = (
        select(Conversation, Inbox.team_id)
        .join(Conversation.inbox)
        .where(Conversation.contact_id.in_(contacts))
        .order_by(Conversation.id)
    )
    theirs = defaultdict[tuple[int, int], list[Conversation]](list)
    for conversation, team_id in db.session.execute(query):
        theirs[conversation.contact_id, team_id].append(conversation)
    for each in sorted(settled, key=lambda one: (one.contact_id, one.team_id)):
        for conversation in theirs[each.contact_id, each.team_id]:
            if each.asked_since is None:
                answering.decided(conversation, each.user_id, each.text_ids)
            elif _holds(conversation, each.text_ids):
                answering.asked_again(conversation, each.asked_since)


def _holds(conversation: Conversation, text_ids: Sequence[int]) -> bool:
    texts = select(Message.id).where(
        Message.conversation_id == conversation.id, Message.id.in_(text_ids), Message.needs_reply
    )
    return db.session.scalar(texts.limit(1)) is not None


flag_followers.follow(note)
