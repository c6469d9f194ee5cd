"""What consent reads a text beside: what was sent in its conversation, and the names it may hold. Most texts
need neither, so each is read only for a text that has the form for it."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts.models import Team, User
from cadence_app.consent import naming, own_keywords, quoting
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.naming import Names, TeamName
from cadence_app.consent.reading import Beside
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.messaging.auto_replies import text_of
from cadence_app.messaging.models import SENT_STATES, Conversation, Direction, Message, MessageState

# A phone reacts to what it still shows; older texts are seldom scrolled to.
_LATEST = 200


def beside(
    text: str, team: Team, conversation: Conversation | None = None, *, personal: bool = False
) -> Beside:
    """What a text to a team is read beside; without a conversation, as one to any shared or `personal` inbox
    of the team."""
    own = own_keywords.meanings_for(team.id)
    ours = _sent(team, conversation) if quoting.may_quote(text) else ()
    names = _names(team, conversation, personal) if naming.may_name(text, own) or ours else Names()
    return Beside(own, ours, names)


def _sent(team: Team, conversation: Conversation | None) -> tuple[str, ...]:
    """The latest texts that went out in a conversation, and what the team answers by itself."""
    by_itself = [text_of(team, meaning) for meaning in Meaning]
    if conversation is None:
        return tuple(by_itself)
    sent = select(Message.body).where(
        Message.conversation_id == conversation.id,
        Message.direction == Direction.OUTBOUND,
        Message.state.in_((*SENT_STATES, MessageState.SENDING)),
    )
    return (*db.session.scalars(sent.order_by(Message.id.desc()).limit(_LATEST)), *by_itself)


def _names(team: Team, conversation: Conversation | None, personal: bool) -> Names:
    inboxes = db.session.execute(select(Inbox.id, Inbox.team_id, Inbox.number, Inbox.name, Inbox.kind)).all()
    teams = db.session.execute(select(Team.id, Team.name, Team.code, Team.closed_at)).all()
    people = list(db.session.scalars(select(User.name).where(User.active)))
    if conversation:
        contact = select(Contact.first_name, Contact.last_name).where(Contact.id == conversation.contact_id)
        people.append(" ".join(db.session.execute(contact).one()))
    if conversation:
        texted = [inbox for inbox in inboxes if inbox.id == conversation.inbox_id]
    else:
        kind = InboxKind.PERSONAL if personal else InboxKind.SHARED
        texted = [inbox for inbox in inboxes if (inbox.team_id, inbox.kind) == (team.id, kind)]
    return Names(
        tenant=team.tenant.name,
        teams=tuple(TeamName(each.id, each.name, each.code) for each in teams),
        numbers=tuple((inbox.number, inbox.team_id) for inbox in inboxes),
        inboxes=tuple(inbox.name for inbox in texted),
        people=tuple(people),
        closed=frozenset(each.id for each in teams if each.closed_at),
    )
