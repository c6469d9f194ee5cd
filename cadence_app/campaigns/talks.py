"""The conversations behind a campaign's lists: where each stands on the desk, for who works in the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, func, select

from cadence_app.accounts.models import User
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.consent.models import Decision, PossibleOptOut
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.models import Conversation, ConversationState, Message


@dataclass(frozen=True)
class Talk:
    """The conversation that a campaign's text stands in. `flagged`: a possible opt out in it waits to be
    decided. `last_id` is its last text's."""

    conversation: Conversation
    flagged: bool
    last_id: int

    @property
    def can_finish(self) -> bool:
        """Whether there is anything on the desk to mark done, that may be done without reading it."""
        talk = self.conversation
        return talk.listed_at is not None and talk.state != ConversationState.DONE and not self.flagged


def reads(user: User, campaign: Campaign) -> bool:
    """Whether a user may read the texts of a campaign's inbox: an admin sees the campaigns of every team, but
    reads those of their own only."""
    inbox = select(Inbox.id).where(Inbox.id == campaign.inbox_id, visible_to(user))
    return db.session.scalar(inbox) is not None


def talks_of(campaign: Campaign, rows: Sequence[Recipient]) -> dict[int, Talk]:
    """The conversations of a page of recipients, by the recipient's id. One whose person was erased is left
    out, for no desk opens it; of who was merged it is the other record's. Three statements at most."""
    talks = {row.id: row.message.conversation for row in rows if row.message}
    ids = {talk.id for talk in talks.values()}
    if not ids:
        return {}
    flagged = set(
        db.session.scalars(select(Conversation.id).where(Conversation.id.in_(ids), _flagged(campaign)))
    )
    last = select(Message.conversation_id, func.max(Message.id)).where(Message.conversation_id.in_(ids))
    last_ids = dict(db.session.execute(last.group_by(Message.conversation_id)).all())
    return {
        recipient_id: Talk(talk, talk.id in flagged, last_ids.get(talk.id, 0))
        for recipient_id, talk in talks.items()
        if talk.contact.gone_at is None
    }


def unfinished(campaign: Campaign, conditions: Sequence[ColumnElement[bool]]) -> Select[int]:
    """The ids of the conversations of a list that are on the desk and not done, but for those with a possible
    opt out to decide, which somebody has to read."""
    return (
        select(Conversation.id)
        .join(Message, Message.conversation_id == Conversation.id)
        .join(Recipient, Recipient.message_id == Message.id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(
            *conditions,
            Conversation.listed_at.is_not(None),
            Conversation.state != ConversationState.DONE,
            Contact.gone_at.is_(None),
            ~_flagged(campaign),
        )
        .distinct()
    )


def count(conversation_ids: Select[int]) -> int:
    return db.session.scalars(select(func.count()).select_from(conversation_ids.subquery())).one()


def _flagged(campaign: Campaign) -> ColumnElement[bool]:
    """The condition on conversations that a possible opt out in the campaign's team waits to be decided."""
    return exists().where(
        PossibleOptOut.contact_id == Conversation.contact_id,
        PossibleOptOut.team_id == campaign.team_id,
        PossibleOptOut.decision == Decision.OPEN,
    )
