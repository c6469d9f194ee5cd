"""The one place that writes the status of a contact and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    DateTime,
    FromClause,
    Select,
    any_,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.models import Team, User
from cadence_app.consent import undo_marks
from cadence_app.consent.contact_rows import among, lock_contacts
from cadence_app.consent.models import Consent, OptOutChange, Source, Status, TeamOnlyStatus
from cadence_app.consent.recording_time import Moment, a_moment, this_moment
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# What a change gives to the stored status; what a row of the history takes from contact and team, and what
# the change itself says.
_STORED = ("status", "since", "change_id", "stopped_at")
_TAKEN = (
    *("tenant_id", "contact_id", "team_id", "first_name", "last_name", "external_id", "number", "team_code"),
)
_MADE = ("status", "changed_at", "source", "user_id", "user_name", "words", "reason")
# Without it rows that lack a value go in apart from those that have it: a statement for every turn.
_IN_ONE = {"render_nulls": True}


@dataclass(frozen=True)
class Change:
    """A status that a contact is to have in a team, and what decided so.

    `at` is for history that is being loaded; without it the change happens now. `said_at` is when the contact
    sent the words, by the provider's clock (UTC), where that is known. `actor` is who did it where that is no
    user. `number` (E.164) is the one that the row names where that is not the one the contact is texted at:
    of the phone that said it, or an old one.
    """

    contact_id: int
    team_id: int
    status: Status
    source: Source
    user_id: int | None = None
    message_id: int | None = None
    words: str = ""
    reason: str = ""
    at: datetime | None = None
    said_at: datetime | None = None
    actor: str = ""
    number: str | None = None

    @property
    def own_stop(self) -> bool:
        """Whether the contact's own words opt them out."""
        return self.status == Status.OPTED_OUT and self.source == Source.KEYWORD


def record_change(change: Change) -> int | None:
    """Gives a contact a status in a team: the stored status and its history row, in this transaction.

    Returns the history row's id, or None where the contact has that status already. Errors: as
    record_changes().
    """
    return record_changes([change])[0]


def record_changes(changes: Sequence[Change], held: Mapping[int, Any] | None = None) -> list[int | None]:
    """record_change() for many contacts and teams at once; the answers are in the order of the changes.
    `held` are the contacts, if the caller holds them: what lock_contacts() said of all of them.

    The contacts' rows and then the consents' are locked, each in the order of their ids, so any two callers
    wait for each other and never in a circle. No clock and no seal refuses a change that happens now
    (recording_time.py). Errors: ValueError for the same contact and team twice, for a contact or team the
    tenant does not have, and for history being loaded that is older than the status it would replace.
    """
    pairs = sorted({(change.contact_id, change.team_id) for change in changes})
    if len(pairs) != len(changes):
        raise ValueError("a contact and team may stand in one call only once")
    contacts = held or lock_contacts(sorted({contact_id for contact_id, _ in pairs}))
    moment, codes, current = _lock_consents(pairs)
    users = select(User.id, User.name).where(User.id.in_({each.user_id for each in changes if each.user_id}))
    by_user = any(change.user_id for change in changes)
    user_names = {row.id: row.name for row in db.session.execute(users)} if by_user else {}

    rows: list[dict[str, Any]] = []
    stopped_at: list[datetime | None] = []
    again: dict[int | None, list[tuple[int, int]]] = {}
    for change in changes:
        known = current.get((change.contact_id, change.team_id))
        if known and known.status == change.status:
            if change.status == Status.OPTED_OUT and moment.clock - known.since < undo_marks.UNDONE_WITHIN:
                by = change.user_id if change.source == Source.TOGGLE else None
                again.setdefault(by, []).append((change.contact_id, change.team_id))
            continue
        at = change.at or moment.after(known.since if known else None)
        if known and at <= known.since:
            raise ValueError(f"contact {change.contact_id} has a newer status in team {change.team_id}")
        contact = contacts.get(change.contact_id)
        if contact is None or change.team_id not in codes:
            raise ValueError(f"no contact {change.contact_id} or no team {change.team_id} in this tenant")
        rows.append(
            {
                "tenant_id": tenant_in_use(),
                "contact_id": change.contact_id,
                "team_id": change.team_id,
                "status": change.status,
                "changed_at": at,
                "source": change.source,
                "user_id": change.user_id,
                "message_id": change.message_id,
                "first_name": contact.first_name,
                "last_name": contact.last_name,
                "external_id": contact.external_id,
                "number": change.number or contact.number,
                "team_code": codes[change.team_id],
                "user_name": user_names.get(change.user_id, change.actor),
                "words": change.words,
                "reason": change.reason if change.at else moment.said(change.reason, at),
            }
        )
        stopped_at.append((change.said_at or at) if change.own_stop else None)
    for by, theirs in again.items():
        undo_marks.note_out_again(theirs, by)
        _forget_loaded()
    written = _write(rows, stopped_at)
    return [written.get((change.contact_id, change.team_id)) for change in changes]


def record_selected(changes: Select[Any], source: Source, user: User) -> Sequence[Any]:
    """record_changes() for as many as a query finds, without a row of it leaving the database.

    `changes` selects contact_id, team_id, status, reason, source (null: `source`) and number (null: the one
    the contact is texted at), no pair twice. The caller holds all of the contacts (lock_contacts) or has made
    them in this transaction, so none of their statuses changes meanwhile. Whoever has that status already is
    left out, as is who is gone and what the tenant does not have. Returns contact_id, team_id and status of
    each change made.
    """
    wanted = changes.cte("wanted").prefix_with("MATERIALIZED")
    moment = this_moment()
    # Each by its key, one wish after the other, whatever the statistics say of a tenant that was filled a
    # moment ago: starting from its contacts takes the square of their number.
    contact = _by_key(select(Contact).where(Contact.id == wanted.c.contact_id, Contact.gone_at.is_(None)))
    team = _by_key(select(Team).where(Team.id == wanted.c.team_id))
    stored = _by_key(
        select(Consent).where(Consent.contact_id == wanted.c.contact_id, Consent.team_id == wanted.c.team_id)
    )
    taken = (
        *(contact.c.tenant_id, contact.c.id, team.c.id, contact.c.first_name, contact.c.last_name),
        *(contact.c.external_id, func.coalesce(wanted.c.number, contact.c.number), team.c.code),
    )
    at = moment.sql_after(stored.c.since)
    made = (
        wanted.c.status,
        at,
        func.coalesce(wanted.c.source, literal(str(source))),
        literal(user.id, BigInteger),
        literal(user.name),
        literal(""),
        moment.sql_said(wanted.c.reason, at),
    )
    rows = (
        select(*taken, *made)
        .select_from(wanted)
        .join(contact, true())
        .join(team, true())
        .outerjoin(stored, true())
        .where(stored.c.status.is_distinct_from(wanted.c.status))
        .order_by(contact.c.id, team.c.id)
    )
    history = insert(OptOutChange).from_select([*_TAKEN, *_MADE], rows).returning(OptOutChange).cte("history")
    pairs = ("contact_id", "team_id", "tenant_id", "status", "changed_at", "id")
    statement = upsert(Consent).from_select(
        ["contact_id", "team_id", "tenant_id", *_STORED],
        select(*(history.c[name] for name in pairs), cast(null(), DateTime(timezone=True))),
    )
    kept = _over_the_stored(statement).returning(Consent.change_id).cte("kept")
    out_already = (
        select(wanted.c.contact_id, wanted.c.team_id)
        .join(stored, true())
        .where(
            wanted.c.status == str(Status.OPTED_OUT),
            stored.c.status == Status.OPTED_OUT,
            undo_marks.undoable(stored.c),
        )
    )
    again = (
        update(Consent)
        .where(tuple_(Consent.contact_id, Consent.team_id).in_(out_already))
        .values(out_again=True)
        .execution_options(synchronize_session=False)
    )
    asked = tuple_(TeamOnlyStatus.contact_id, TeamOnlyStatus.team_id)
    decided = delete(TeamOnlyStatus).where(asked.in_(select(wanted.c.contact_id, wanted.c.team_id)))
    written = db.session.execute(
        select(history.c.contact_id, history.c.team_id, history.c.status).add_cte(
            kept, decided.cte("decided"), again.cte("again")
        )
    ).all()
    _forget_loaded()
    return written


def note_stop(contact_id: int, team_id: int, said_at: datetime | None = None) -> None:
    """Notes that an opted-out contact asked for it in their own words (at `said_at`, or now), which a later
    opt in must answer with a reason. The status is as it was, so the history gets no row."""
    note_stops([(contact_id, team_id)], said_at)


def note_stops(pairs: list[tuple[int, int]], said_at: datetime | None = None) -> None:
    """note_stop() of many contacts and teams."""
    db.session.execute(
        update(Consent)
        .where(among(Consent.contact_id, Consent.team_id, pairs), Consent.status == Status.OPTED_OUT)
        .values(stopped_at=func.greatest(Consent.stopped_at, said_at or func.clock_timestamp()))
        .add_cte(_decided_since(pairs))
    )


def take_back_stop(contact_id: int, team_id: int, stopped_at: datetime | None) -> None:
    """Makes note_stop() undone for a contact who says that they did not mean this team: what they had said
    before, or None, counts again. The status is as it was."""
    db.session.execute(
        update(Consent)
        .where(
            Consent.contact_id == contact_id, Consent.team_id == team_id, Consent.status == Status.OPTED_OUT
        )
        .values(stopped_at=stopped_at)
    )


def leave_teams(contact_ids: Sequence[int]) -> None:
    """Takes away every stored status of contacts who are gone; what they were stands in the history.

    The database lets nothing else delete a status.
    """
    db.session.execute(select(func.leave_teams(cast(contact_ids, ARRAY(BigInteger)))))
    for state in db.session.identity_map.all_states():
        # By its key: what it held can't be read again.
        if state.class_ is Consent and state.key and state.key[1][0] in contact_ids:
            db.session.expunge(state.obj())


def _decided_since(pairs: list[tuple[int, int]]) -> CTE:
    """Keeps the answer TEAM from giving back a status about which something was said since the question, even
    what it was already: a part of the statement that is run for what was said."""
    asked = among(TeamOnlyStatus.contact_id, TeamOnlyStatus.team_id, pairs)
    return delete(TeamOnlyStatus).where(asked).cte("decided")


def _by_key(row: Select[Any]) -> FromClause:
    """One row for each of a statement; OFFSET 0 keeps the planner from joining the other way round."""
    return row.offset(0).lateral()


def _lock_consents(
    pairs: list[tuple[int, int]],
) -> tuple[Moment, dict[int, str], dict[tuple[int, int], Any]]:
    """Locks the consents of these contacts, whom the caller holds, and teams. Returns the moment of their
    changes, the code of each of the teams that the tenant has, and the consents that are there."""
    stored = (
        select(Consent.contact_id, Consent.team_id, Consent.status, Consent.since)
        .where(among(Consent.contact_id, Consent.team_id, pairs))
        .order_by(Consent.contact_id, Consent.team_id)
        .with_for_update()
        .cte("stored")
        .prefix_with("MATERIALIZED")
    )
    moment = a_moment()
    team_ids = cast(sorted({team_id for _, team_id in pairs}), ARRAY(BigInteger))
    rows = db.session.execute(
        select(moment.c.clock, moment.c.moment, Team.id, Team.code, *stored.c)
        .select_from(moment)
        .outerjoin(Team, Team.id == any_(team_ids))
        .outerjoin(stored, stored.c.team_id == Team.id)
        .add_cte(_decided_since(pairs))
    ).all()
    return (
        Moment(rows[0].clock, rows[0].moment),
        {row.id: row.code for row in rows if row.id is not None},
        {(row.contact_id, row.team_id): row for row in rows if row.contact_id is not None},
    )


def _write(rows: list[dict[str, Any]], stopped_at: list[datetime | None]) -> dict[tuple[int, int], int]:
    if not rows:
        return {}
    ids = db.session.scalars(
        insert(OptOutChange).returning(OptOutChange.id, sort_by_parameter_order=True),
        rows,
        execution_options=_IN_ONE,
    ).all()
    consents = [
        {
            "contact_id": row["contact_id"],
            "team_id": row["team_id"],
            "tenant_id": row["tenant_id"],
            "status": row["status"],
            "since": row["changed_at"],
            "change_id": change_id,
            "stopped_at": stop,
        }
        for row, change_id, stop in zip(rows, ids, stopped_at, strict=True)
    ]
    db.session.execute(_over_the_stored(upsert(Consent)), consents, execution_options=_IN_ONE)
    _forget_loaded()
    return {(c["contact_id"], c["team_id"]): c["change_id"] for c in consents}


def _over_the_stored(statement: Insert) -> Insert:
    """The insert of consents, which takes the place of those that are there."""
    values = {name: statement.excluded[name] for name in _STORED} | {
        "stopped_before": Consent.stopped_at,
        "out_again": False,
        "lifted": null(),
    }
    return statement.on_conflict_do_update(index_elements=["contact_id", "team_id"], set_=values)


def _forget_loaded() -> None:
    """Makes the session read again the statuses that it has read before."""
    for consent in db.session.identity_map.values():
        if isinstance(consent, Consent):
            db.session.expire(consent)
