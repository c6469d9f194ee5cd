"""Message history: the texts that whoever asks may read on screen too."""

from __future__ import annotations

from sqlalchemy import case, func, literal, or_, select

from cadence_app.accounts.models import Team, TeamMember, User
from cadence_app.campaigns.models import Campaign
from cadence_app.contacts.models import Contact
from cadence_app.contacts.searching import holds_part
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Conversation, Direction, Message
from cadence_app.reports.kinds.base import (
    ENDS_AT,
    REQUESTED_BY,
    STARTS_AT,
    Cell,
    Column,
    Kind,
    says,
)

_THEIR_TEAMS = select(TeamMember.team_id).where(TeamMember.user_id == REQUESTED_BY)

MESSAGE_HISTORY = Kind(
    key="message-history",
    title="Message history",
    about="Every text in or out of the shared inboxes of your own {teams} and your personal inbox.",
    note="SentAt in the file is UTC. Texts that were held back or failed are in it and say so.",
    nothing="There was no text in these days",
    query=(
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .join(Team, Team.id == Inbox.team_id)
        .outerjoin(User, User.id == Message.user_id)
        .outerjoin(Campaign, Campaign.id == Message.campaign_id)
        .where(
            Message.created_at >= STARTS_AT,
            Message.created_at < ENDS_AT,
            Inbox.team_id.in_(_THEIR_TEAMS),
            or_(Inbox.kind == InboxKind.SHARED, Inbox.user_id == REQUESTED_BY),
        )
        .order_by(Message.created_at, Message.id)
    ),
    columns=(
        Column("MessageId", Message.id, Cell.NUMBER),
        Column("SentAt", Message.created_at, Cell.MOMENT),
        Column("Direction", case((Message.direction == Direction.INBOUND, "In"), else_="Out"), Cell.OWN),
        Column("DepartmentCode", Team.code),
        Column("Inbox", Inbox.name),
        Column("InboxNumber", Inbox.number, Cell.OWN),
        Column("FirstName", Contact.first_name),
        Column("LastName", Contact.last_name),
        Column("ContactId", Contact.external_id),
        Column("MobileNumber", Contact.number, Cell.OWN),
        Column("User", func.coalesce(User.name, literal(""))),
        Column("Text", Message.body),
        Column("State", func.initcap(Message.state), Cell.OWN),
        Column("Detail", Message.detail),
    ),
    extra=(
        Column("Campaign", func.coalesce(Campaign.name, literal(""))),
        Column(
            "Files",
            select(func.count()).where(MessageMedia.message_id == Message.id).scalar_subquery(),
            Cell.NUMBER,
        ),
    ),
    filters={
        "team_id": lambda team_id: Inbox.team_id == team_id,
        "user_id": lambda user_id: Message.user_id == user_id,
        "contact": holds_part,
        "words": says(Message.body),
    },
    own=True,
)
