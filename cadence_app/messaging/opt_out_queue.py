"""The possible opt outs that wait for a decision, the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from sqlalchemy import ColumnElement, Select, and_, any_, func, select, true, tuple_

from cadence_app.accounts.models import Team, TeamMember, User
from cadence_app.consent import possible
from cadence_app.consent.models import Decision, PossibleOptOut
from cadence_app.consent.reading import flagged_for
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.models import Message

PAGE = 25
_MOST_SHOWN = 80


@dataclass(frozen=True)
class Cursor:
    """The place of a flag: the page goes on after it."""

    due_on: date
    id: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What str() of a cursor gave, or None."""
        day, _, number = text.partition("_")
        try:
            found = cls(date.fromisoformat(day), int(number))
        except ValueError:
            return None
        return found if 0 < found.id < 2**63 else None

    def __str__(self) -> str:
        return f"{self.due_on.isoformat()}_{self.id}"


@dataclass(frozen=True)
class Waiting:
    """A flag to decide. `quoted`: whether the user may read its words (may_quote()). `conversation_id` is the
    one with the latest text, None where it is not theirs to open. `days_left` counts business days and is
    below nought once the day it is due is over; see in_words()."""

    flag: PossibleOptOut
    contact: Contact
    team: Team
    conversation_id: int | None
    quoted: bool
    days_left: int
    overdue: bool

    @property
    def flagged_by(self) -> str:
        """flagged_by() of its flag, nothing where its words may not be quoted."""
        return flagged_by(self.flag) if self.quoted else ""

    @property
    def in_words(self) -> str:
        days = abs(self.days_left)
        counted = f"{days} business day{'' if days == 1 else 's'}"
        if self.overdue:
            return f"{counted} overdue" if days else "Overdue"
        return f"{counted} left" if days else "Due today"


@dataclass(frozen=True)
class Page:
    rows: list[Waiting]
    after: Cursor | None


def flagged_by(flag: PossibleOptOut) -> str:
    """What raised a flag, as its cards say it: the latest words that a phrase knows, the classifier, or both.
    A flag from before this was kept is read again; nothing where no phrase is found."""
    words, version = flag.phrases.splitlines(), flag.classifier
    if not words and version is None and flag.message_ids:
        words = [found] if (found := flagged_for(flag.words)) else []
    said = [f"the words “{_shortened(words[-1])}”"] if words else []
    if version is not None:
        said.append(f"the classifier, version {version}")
    return f"Flagged by {' and by '.join(said)}" if said else ""


def _shortened(words: str) -> str:
    return words if len(words) <= _MOST_SHOWN else words[: _MOST_SHOWN - 1] + "…"


def page_of(user: User, after: Cursor | None) -> Page:
    """Those of the user's teams, an admin's of every team: the fewest business days left first, so that those
    that are overdue lead."""
    query = _waiting(user).order_by(PossibleOptOut.due_on, PossibleOptOut.id).limit(PAGE + 1)
    if after:
        query = query.where(tuple_(PossibleOptOut.due_on, PossibleOptOut.id) > tuple_(after.due_on, after.id))
    rows = [_row(user, *row) for row in db.session.execute(query)]
    shown = rows[:PAGE]
    last = shown[-1].flag if len(rows) > PAGE else None
    return Page(shown, Cursor(last.due_on, last.id) if last else None)


def find(user: User, flag_id: int) -> Waiting | None:
    """One that waits, in the user's teams or for an admin in any."""
    row = db.session.execute(_waiting(user).where(PossibleOptOut.id == flag_id)).one_or_none()
    return _row(user, *row) if row else None


def decided(user: User, flag_id: int) -> PossibleOptOut | None:
    """One that the user could have decided and somebody has."""
    query = select(PossibleOptOut).where(
        PossibleOptOut.id == flag_id, _in_reach(user), PossibleOptOut.decision != Decision.OPEN
    )
    return db.session.scalars(query).one_or_none()


def count(user: User) -> int:
    return db.session.scalars(select(func.count()).select_from(_waiting(user).subquery())).one()


def _in_reach(user: User) -> ColumnElement[bool]:
    if user.is_admin:
        return true()
    return PossibleOptOut.team_id.in_(select(TeamMember.team_id).where(TeamMember.user_id == user.id))


def may_quote(user: User) -> ColumnElement[bool]:
    """Whether a user may read the words of a flag (PossibleOptOut): none of its texts went to a colleague's
    personal inbox."""
    texts = (
        select(Message.id)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(
            Message.id == any_(PossibleOptOut.message_ids),
            Inbox.kind == InboxKind.PERSONAL,
            Inbox.user_id.is_distinct_from(user.id),
        )
        .correlate(PossibleOptOut)
    )
    return ~texts.exists()


def quotes(user: User, flag: PossibleOptOut) -> bool:
    """may_quote() for one flag."""
    return db.session.scalars(select(may_quote(user)).where(PossibleOptOut.id == flag.id)).one()


def _waiting(user: User) -> Select[PossibleOptOut, Contact, Team, int | None, bool, bool]:
    opens = and_(Inbox.id.is_not(None), visible_to(user))
    return (
        select(
            PossibleOptOut,
            Contact,
            Team,
            Message.conversation_id,
            may_quote(user).label("quoted"),
            opens.label("opens"),
        )
        .join(Contact, Contact.id == PossibleOptOut.contact_id)
        .join(Team, Team.id == PossibleOptOut.team_id)
        .outerjoin(Message, Message.id == PossibleOptOut.message_id)
        .outerjoin(Inbox, Inbox.id == Message.inbox_id)
        .where(PossibleOptOut.decision == Decision.OPEN, Contact.gone_at.is_(None), _in_reach(user))
    )


def _row(
    user: User,
    flag: PossibleOptOut,
    contact: Contact,
    team: Team,
    conversation_id: int | None,
    quoted: bool,
    opens: bool,
) -> Waiting:
    today = datetime.now(user.tenant.zone).date()
    return Waiting(
        flag=flag,
        contact=contact,
        team=team,
        conversation_id=conversation_id if opens else None,
        quoted=quoted,
        days_left=possible.business_days_between(today, flag.due_on),
        overdue=flag.due_on < today,
    )
