"""May this inbox text this person now, and if not, why? The one place that answers it.

BARS is the answer: every bar once, in the order in which they are asked, each as Python for one person
(decide(), ask()) and as SQL for many (conditions()). Nothing else decides it, and the first bar is the reason
that is kept and shown. The sentences for people are messaging/bars.py's.

Why in this order:

1. Who is not in the team comes first, so that a list says the same of everybody whom the team does not know,
   and nobody learns from it who is in another team. (A confirmation goes to who is opted out, asked below.)
2. What is of the sender and not of the person: while the inbox is closed or the organisation suspended,
   nothing that is done about the person helps.
3. A number that can't be texted: it may be another person's, so what is known of this person's wish may not
   be its owner's (mending.py; numbers are reassigned, 84 FR 11226).
4. The person's own will, the team's before that of personal inboxes. Their word is the revocation (47 CFR
   64.1200(a)(10)), so the record names it although a carrier would have stopped the text too.
5. The carrier's block, of technique and with a scope of its own (each carrier's page in docs/carriers,
   and the toll-free network's). Where it is not the first it is shown besides, for no opt in lifts it.
6. Words that may be an opt out, which hold all but what a person sends by hand: the one bar that somebody
   here lifts by deciding.

Blocks of a team or of the whole organisation are no bars: they decide how a status begins (first_status.py).
Quiet hours and texts that a carrier has yet to bring (messaging/quiet_hours.py, messaging/carriers/gaps.py)
put a text off and refuse none, so they are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, literal, select, true
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import aliased

from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import Block, BlockScope, Consent, Decision, PossibleOptOut, Status
from cadence_app.contacts.models import Contact, NumberToMend
from cadence_app.extensions import db
from cadence_app.phone_numbers import OLD_SPELLING


class Bar(StrEnum):
    """Why a text may not go. The values are stored, and the API answers them: they never change."""

    NOT_IN_TEAM = "not_in_team"
    INBOX_CLOSED = "inbox_closed"
    ORGANISATION_SUSPENDED = "organisation_suspended"
    NUMBER_UNSENDABLE = "number_unsendable"
    OPTED_OUT = "opted_out"
    OPTED_IN_AGAIN = "opted_in_again"
    PERSONAL_OPT_OUT = "personal_opt_out"
    CARRIER_BLOCK = "carrier_block"
    POSSIBLE_OPT_OUT = "possible_opt_out"


class Kind(StrEnum):
    """What sort of text: one that a person sends by hand just then; one that goes by itself, of a campaign or
    set for a time; the confirmation of an opt out; another automatic answer (help, welcome back)."""

    BY_HAND = "by_hand"
    AUTOMATED = "automated"
    CONFIRMATION = "confirmation"
    ANSWER = "answer"


@dataclass(frozen=True)
class InboxFacts:
    """What counts of the inbox that would send it."""

    id: int
    team_id: int
    personal: bool
    closed: bool


@dataclass(frozen=True)
class TenantFacts:
    suspended: bool


@dataclass(frozen=True)
class Text:
    """A text that would go out. `number` (E.164) is where it goes if that is not the one the contact is
    texted at; `confirms_team_id` the team whose opt out it confirms, if that is not the inbox's."""

    inbox: InboxFacts
    tenant: TenantFacts
    kind: Kind
    number: str | None = None
    confirms_team_id: int | None = None


@dataclass(frozen=True)
class Stored:
    """What is stored of one contact: the number the text goes to, the status in the inbox's team and in the
    one whose opt out is confirmed (None where there is none), whether the number can't be texted, whether
    personal inboxes and this inbox's carrier are barred at it, and whether words of theirs wait for a
    decision in the team."""

    number: str
    status: Status | None
    confirmed: Status | None
    unsendable: bool
    personal_stop: bool
    carrier_blocks: bool
    flagged: bool


@dataclass(frozen=True)
class Columns:
    """Stored, as SQL of the row of one contact among many."""

    number: ColumnElement[str]
    status: ColumnElement[Status]
    confirmed: ColumnElement[Status]
    unsendable: ColumnElement[bool]
    personal_stop: ColumnElement[bool]
    carrier_blocks: ColumnElement[bool]
    flagged: ColumnElement[bool]


@dataclass(frozen=True)
class Rule:
    """A bar: whether it can stand in the way of such a text at all, and if so, of whom: of one by what is
    stored, of many by their columns. Without these it is of everybody."""

    bar: Bar
    concerns: Callable[[Text], bool]
    one: Callable[[Stored], bool] = lambda stored: True
    many: Callable[[Columns], ColumnElement[bool]] = lambda columns: true()


@dataclass(frozen=True)
class Answer:
    """Every bar that stands in the way, in order, and the number that the text would go to."""

    bars: tuple[Bar, ...]
    number: str

    @property
    def bar(self) -> Bar | None:
        """The reason; None where the text may go."""
        return self.bars[0] if self.bars else None


def _confirms(text: Text) -> bool:
    return text.kind == Kind.CONFIRMATION


def _needs_consent(text: Text) -> bool:
    return text.kind != Kind.CONFIRMATION


BARS = (
    Rule(
        Bar.NOT_IN_TEAM,
        _needs_consent,
        one=lambda stored: stored.status is None,
        many=lambda columns: columns.status.is_(None),
    ),
    Rule(Bar.INBOX_CLOSED, lambda text: text.inbox.closed),
    # What a person is owed at their own word goes out all the same.
    Rule(Bar.ORGANISATION_SUSPENDED, lambda text: text.tenant.suspended and _needs_consent(text)),
    Rule(
        Bar.NUMBER_UNSENDABLE,
        lambda text: True,
        one=lambda stored: stored.unsendable,
        many=lambda columns: columns.unsendable,
    ),
    Rule(
        Bar.OPTED_OUT,
        _needs_consent,
        one=lambda stored: stored.status == Status.OPTED_OUT,
        many=lambda columns: columns.status == Status.OPTED_OUT,
    ),
    Rule(
        Bar.OPTED_IN_AGAIN,
        _confirms,
        one=lambda stored: stored.confirmed != Status.OPTED_OUT,
        many=lambda columns: columns.confirmed.is_distinct_from(Status.OPTED_OUT),
    ),
    Rule(
        Bar.PERSONAL_OPT_OUT,
        lambda text: text.inbox.personal and _needs_consent(text),
        one=lambda stored: stored.personal_stop,
        many=lambda columns: columns.personal_stop,
    ),
    Rule(
        Bar.CARRIER_BLOCK,
        lambda text: True,
        one=lambda stored: stored.carrier_blocks,
        many=lambda columns: columns.carrier_blocks,
    ),
    Rule(
        Bar.POSSIBLE_OPT_OUT,
        lambda text: text.kind in (Kind.AUTOMATED, Kind.ANSWER),
        one=lambda stored: stored.flagged,
        many=lambda columns: columns.flagged,
    ),
)


def asked(text: Text) -> tuple[Bar, ...]:
    """The bars that such a text is asked about, in order, whoever it is for and however its sender stands."""
    stopped = replace(
        text, inbox=replace(text.inbox, closed=True), tenant=replace(text.tenant, suspended=True)
    )
    return tuple(rule.bar for rule in BARS if rule.concerns(stopped))


def ask(text: Text, contact_id: int, *, lock: bool = False) -> Answer:
    """Whether this text may go to this contact, as things stand: one statement. With `lock` one more before
    it, and no status, block, flag or number of the contact changes until the transaction ends: whoever
    writes one holds the contact first.

    Errors: NoResultFound where the tenant has no such contact.
    """
    if lock:
        # A statement of its own: one that waited for the lock would still see what stood before it waited.
        lock_contacts([contact_id])
    stored = read(text, contact_id)
    return Answer(decide(text, stored), stored.number)


def decide(text: Text, stored: Stored) -> tuple[Bar, ...]:
    """The bars in the way of a text to one of whom this is stored. Asks nobody."""
    return tuple(rule.bar for rule in BARS if rule.concerns(text) and rule.one(stored))


def conditions(text: Text, columns: Columns) -> list[tuple[Bar, ColumnElement[bool]]]:
    """The same for many: each bar that such a text can meet, in order, and the condition for whom it does.
    The first that holds is the reason, as in a CASE."""
    return [(rule.bar, rule.many(columns)) for rule in BARS if rule.concerns(text)]


def columns_of(
    text: Text,
    contact_id: SQLColumnExpression[int],
    number: ColumnElement[str],
    status: ColumnElement[Status],
) -> Columns:
    """What is stored of the contacts that these columns name. `number` is the one a text goes to; `status`
    that of the inbox's team, null where there is none (an outer join of Consent)."""
    confirmed = status
    if text.confirms_team_id is not None:
        other = aliased(Consent)
        there = select(other.status).where(
            other.contact_id == contact_id, other.team_id == text.confirms_team_id
        )
        confirmed = there.scalar_subquery()
    at_number = exists().where(Block.contact_id == contact_id, Block.number.in_(("", number)))
    return Columns(
        number=number,
        status=status,
        confirmed=confirmed,
        # An older spelling too: another contact may have the number in the present one, and have stopped.
        unsendable=exists().where(NumberToMend.contact_id == contact_id, NumberToMend.number == number)
        | number.regexp_match(OLD_SPELLING),
        personal_stop=at_number.where(Block.scope == BlockScope.PERSONAL),
        carrier_blocks=at_number.where(
            Block.scope == BlockScope.CARRIER_NUMBER, Block.inbox_id == text.inbox.id
        ),
        flagged=exists().where(
            PossibleOptOut.contact_id == contact_id,
            PossibleOptOut.team_id == text.inbox.team_id,
            PossibleOptOut.decision == Decision.OPEN,
        ),
    )


def read(text: Text, contact_id: int) -> Stored:
    """What is stored of one contact as far as this text hangs on it, in one statement. Errors: NoResultFound
    where the tenant has no such contact."""
    found = read_each(text, [contact_id])
    if not found:
        raise NoResultFound
    return found[contact_id]


def read_each(text: Text, contact_ids: Sequence[int]) -> dict[int, Stored]:
    """The same of several contacts, by their ids; those that are not there are not in it."""
    number = literal(text.number) if text.number else Contact.number.expression
    columns = columns_of(text, Contact.id, number, Consent.status.expression)
    in_team = and_(Consent.contact_id == Contact.id, Consent.team_id == text.inbox.team_id)
    wanted = (value.label(name) for name, value in vars(columns).items())
    query = select(Contact.id, *wanted).select_from(Contact).outerjoin(Consent, in_team)
    rows = db.session.execute(query.where(Contact.id.in_(contact_ids)))
    return {contact_id: Stored(*stored) for contact_id, *stored in rows}
