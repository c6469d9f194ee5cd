"""The stops that a number keeps, whoever has it: what its phone said last, in each scope.

A STOP is for the number that said it, not only for the contact who had it (47 CFR 64.1200(a)(10) speaks of
the called party; numbers are reassigned). So it stays when the number is changed, ended, merged, imported to
somebody else, erased or removed by age, until that phone itself texts START. Whoever gets the number, by
whichever way, is barred by a trigger of the database (bar_stopped_numbers() in docs/schema.sql; a Block with
that number): they start opted out in that scope, and a user opts them in only by writing how this person
agreed.

Only what the phone itself said counts, and what erasing and retention keep. Everything here runs inside the
caller's transaction, which holds the contact who has the number now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    cast,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent.contact_rows import among
from cadence_app.consent.models import Block, BlockScope, NumberStop, StopOrigin
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import tenant_in_use

_KEY = ("tenant_id", "digest", "scope", "team_id")
_TAKEN = ("said_at", "origin", "reason")


def keep(
    number: str, said_at: datetime, team_ids: Collection[int], *, personal: bool, everywhere: bool
) -> None:
    """Keeps that the phone with this number (E.164) said stop at a time, by its provider's clock (UTC): to
    these teams, to all personal inboxes, to the whole organisation. A later word that it knows of stays."""
    scopes: list[tuple[BlockScope, int | None]] = [(BlockScope.TEAM, team_id) for team_id in team_ids]
    scopes += [(BlockScope.PERSONAL, None)] if personal else []
    scopes += [(BlockScope.ORGANISATION, None)] if everywhere else []
    rows = [
        {
            "tenant_id": tenant_in_use(),
            "digest": digest(literal(number)),
            "scope": scope,
            "team_id": team_id,
            "said_at": said_at,
            "origin": StopOrigin.TEXT,
            "reason": "",
        }
        for scope, team_id in scopes
    ]
    db.session.execute(latest(upsert(NumberStop).values(rows)))


def lift(contact_id: int, number: str, said_at: datetime, team_id: int, *, personal: bool) -> None:
    """What START from the phone with this number, which the contact has now, to a team lifts: its stop of
    that team, of the whole organisation and, sent to a personal inbox, of personal inboxes. A stop that is
    newer than `said_at` stays. What bars the contact because of them goes too."""
    scopes = [BlockScope.ORGANISATION, *([BlockScope.PERSONAL] if personal else [])]
    stops = NumberStop.scope.in_(scopes) | (NumberStop.team_id == team_id)
    db.session.execute(
        delete(NumberStop).where(NumberStop.digest.in_(digests(number)), stops, NumberStop.said_at <= said_at)
    )
    bars = Block.scope.in_(scopes) | (Block.team_id == team_id)
    db.session.execute(
        delete(Block).where(
            Block.contact_id == contact_id,
            Block.number.in_(spellings(number)),
            bars,
            Block.since <= said_at,
        )
    )


def give_back(
    contact_id: int,
    number: str,
    said_at: datetime,
    before: Mapping[int, datetime | None],
    everywhere: datetime | None,
    stops: Sequence[dict[str, Any]],
) -> None:
    """Makes a stop that a contact's phone said at `said_at` one of fewer teams, for it has said that it did
    not mean these: each is what it was `before`, stopped since a time or not (None); so is the whole
    organisation. What the number had stopped before, whoever had it, stays stopped: `stops` (those of
    TeamOnlyQuestion) tell, and the contact's bars."""
    of_this = {each.hex() for each in db.session.scalars(digests(number))}
    said = NumberStop.digest.in_(digests(number)) & (NumberStop.said_at == said_at)
    bars = db.session.execute(
        select(Block.team_id, Block.since, Block.reason).where(
            Block.contact_id == contact_id, Block.number.in_(spellings(number)), *_came_with_number()
        )
    )
    earlier = {row.team_id: row for row in bars}
    kept = {(each["scope"], each["team_id"]): each for each in stops if each["digest"] in of_this}
    for scope, team_id, own in (
        *((BlockScope.TEAM, team_id, since) for team_id, since in before.items()),
        (BlockScope.ORGANISATION, None, everywhere),
    ):
        theirs = said & (NumberStop.scope == scope) & NumberStop.team_id.is_not_distinct_from(team_id)
        if stop := kept.get((scope, team_id)):
            db.session.execute(update(NumberStop).where(theirs).values(**as_it_was(stop)))
            continue
        bar = earlier.get(team_id)
        since = own or (bar.since if bar else None)
        reason = bar.reason if bar and not own else ""
        db.session.execute(
            delete(NumberStop).where(theirs)
            if since is None
            else update(NumberStop).where(theirs).values(said_at=since, reason=reason)
        )


def as_it_was(stop: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a stop of TeamOnlyQuestion what it was, before a later one took its place."""
    said_at = datetime.fromisoformat(stop["said_at"])
    return {"said_at": said_at, "origin": stop["origin"], "reason": stop["reason"]}


def keep_of_contacts(
    which: ColumnElement[bool], origin: StopOrigin, reason: str, had: Collection[str] = ()
) -> None:
    """Keeps, for the whole organisation, the stops of contacts who go: of each number that they have now, and
    of those that they `had` (E.164). `which` is a condition on ContactNumber, `reason` what whoever gets the
    number is told."""
    numbers = (
        select(
            ContactNumber.tenant_id,
            digest(ContactNumber.number),
            literal(str(BlockScope.ORGANISATION)),
            cast(null(), BigInteger),
            func.now(),
            literal(str(origin)),
            literal(reason),
        )
        .where(which, ContactNumber.until.is_(None) | ContactNumber.number.in_(had))
        .distinct()
    )
    db.session.execute(latest(upsert(NumberStop).from_select([*_KEY, *_TAKEN], numbers)))


def reasons(pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Of these contacts and teams, by ids, those in which a number of the contact's was stopped before it was
    theirs, and why in words: they start opted out there, and are opted in only with a written reason."""
    contact_ids = {contact_id for contact_id, _ in pairs}
    rows = db.session.execute(
        select(Block.contact_id, Block.team_id, Block.reason)
        .where(Block.contact_id.in_(contact_ids), *_came_with_number())
        .order_by(Block.since)
    ).all()
    found = {}
    for contact_id, team_id in pairs:
        for row in rows:
            if row.contact_id == contact_id and row.team_id in (None, team_id):
                found[contact_id, team_id] = row.reason
    return found


def reason(contact_id: int, team_id: int) -> str | None:
    """reasons() of one."""
    return reasons([(contact_id, team_id)]).get((contact_id, team_id))


def stopped(number: str, team_id: int) -> bool:
    """Whether a number (E.164) is stopped in a team, so that whoever gets it now starts opted out there."""
    scopes = or_(NumberStop.team_id == team_id, NumberStop.scope == BlockScope.ORGANISATION)
    kept = select(NumberStop.id).where(NumberStop.digest.in_(digests(number)), scopes)
    return db.session.scalar(select(kept.exists())) is True


def bars(contact_id: Any, team_id: Any) -> Select[Any]:
    """The bars, as a query over Block for SQL, that reasons() tells of: of the contact and team that two
    columns name."""
    return select(Block).where(
        Block.contact_id == contact_id,
        *_came_with_number(),
        or_(Block.team_id.is_(None), Block.team_id == team_id),
    )


def answered(pairs: Collection[tuple[int, int]]) -> list[list[Any]]:
    """Lifts what bars these contacts in these teams, for a user has written how this person agreed: of the
    team, at the number that they are texted at, and of personal inboxes. The number keeps its stop for
    whoever gets it next, and the bar of the whole organisation stays for teams that they join later: each
    asks anew, as does a further number of theirs, whose personal inboxes stay barred too. Returns what it
    lifted, for bar_again()."""
    ids = list(pairs)
    if not ids:
        return []
    texted = select(Contact.number).where(Contact.id == Block.contact_id).scalar_subquery()
    of_team = (Block.scope == BlockScope.TEAM) & among(Block.contact_id, Block.team_id, ids)
    contact_ids = sorted({contact_id for contact_id, _ in ids})
    of_personal = (Block.scope == BlockScope.PERSONAL) & Block.contact_id.in_(contact_ids)
    lifted = db.session.execute(
        delete(Block)
        .where(or_(of_team, of_personal), Block.number == texted)
        .returning(Block.scope, Block.number, Block.team_id, Block.reason, Block.since)
        .execution_options(synchronize_session=False)
    )
    return [[*row[:4], row.since.isoformat()] for row in lifted]


def bar_again(contact_id: int, lifted: Sequence[Sequence[Any]]) -> None:
    """Bars a contact again by what answered() lifted, where they are texted at that number still and its
    phone has not lifted the stop itself meanwhile."""
    texted = db.session.scalars(select(Contact.number).where(Contact.id == contact_id)).one()
    for scope, number, team_id, why, since in lifted:
        stands = select(NumberStop.id).where(
            NumberStop.digest.in_(digests(number)),
            NumberStop.scope == scope,
            NumberStop.team_id.is_not_distinct_from(team_id),
        )
        if number == texted and db.session.scalar(select(stands.exists())):
            bar = upsert(Block).values(
                tenant_id=tenant_in_use(),
                contact_id=contact_id,
                scope=BlockScope(scope),
                number=number,
                team_id=team_id,
                reason=why,
                since=datetime.fromisoformat(since),
            )
            db.session.execute(bar.on_conflict_do_nothing())


def allow_personal_inboxes(contact_id: int, number: str) -> bool:
    """Lifts what bars personal inboxes because of who had this number (E.164) before this contact, for a user
    has written how this person agreed to texts there. False where nothing of that sort does."""
    lifted = (
        delete(Block)
        .where(Block.contact_id == contact_id, Block.scope == BlockScope.PERSONAL, Block.number == number)
        .returning(Block.id)
    )
    return bool(db.session.scalars(lifted).all())


def barred(contact_id: int) -> list[tuple[str, str, int]]:
    """What bars a contact because of who had their numbers before: scope, number and id of the team, 0 where
    it is of no team."""
    rows = db.session.execute(
        select(Block.scope, Block.number, func.coalesce(Block.team_id, 0)).where(
            Block.contact_id == contact_id, Block.number != "", Block.scope != BlockScope.CARRIER_NUMBER
        )
    )
    return [(scope, number, team_id) for scope, number, team_id in rows]


def not_of_another(
    contact_id: int, numbers: Collection[str], barred_there: Collection[tuple[str, str, int]]
) -> None:
    """Takes away what the numbers that came to a contact with another record of the same person bar, but for
    what barred that record too (barred(), as it was while that one had them): the person's own words are no
    earlier holder's."""
    db.session.execute(
        delete(Block).where(
            Block.contact_id == contact_id,
            Block.number.in_(numbers),
            Block.scope != BlockScope.CARRIER_NUMBER,
            tuple_(Block.scope, Block.number, func.coalesce(Block.team_id, 0)).not_in(list(barred_there)),
        )
    )


def bars_of(contact_id: int) -> set[int]:
    """The ids of a contact's bars."""
    return set(db.session.scalars(select(Block.id).where(Block.contact_id == contact_id)))


def keep_only_of(contact_id: int, number: str, known: Collection[int]) -> None:
    """Of what bars a contact at a number that has just been spelled anew, takes away what is not `known` (ids
    of bars) and rests on a stop under the older spelling alone: that number was theirs, and what it had said
    is as it was."""
    of_this = select(NumberStop.id).where(
        NumberStop.digest == digest(literal(number)),
        NumberStop.scope == Block.scope,
        NumberStop.team_id.is_not_distinct_from(Block.team_id),
    )
    db.session.execute(
        delete(Block).where(
            Block.contact_id == contact_id,
            Block.number == number,
            Block.scope != BlockScope.CARRIER_NUMBER,
            Block.id.not_in(known),
            ~of_this.exists(),
        )
    )


def _came_with_number() -> tuple[ColumnElement[bool], ...]:
    return Block.number != "", Block.scope.in_((BlockScope.TEAM, BlockScope.ORGANISATION))


def digest(number: SQLColumnExpression[str]) -> ColumnElement[bytes]:
    """The keyed digest under which a number is kept."""
    made: ColumnElement[bytes] = func.number_digest(tenant_in_use(), number)
    return made


def digests(number: str) -> Select[bytes]:
    """Of a number in each spelling under which it may have been kept."""
    return select(func.number_digest(tenant_in_use(), func.number_spellings(number)))


def latest(statement: Insert) -> Insert:
    """The insert of stops, which takes the place of an older one of the same number and scope."""
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={name: new[name] for name in _TAKEN},
        where=NumberStop.said_at < new.said_at,
    )
