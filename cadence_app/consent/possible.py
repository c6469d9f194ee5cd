"""Texts that read like an opt out: flagged, due on a day, and holding automated texts until decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import decided_words, flag_followers, number_holders
from cadence_app.consent.contact_rows import among, lock_contacts
from cadence_app.consent.flag_followers import Settled
from cadence_app.consent.intent import Found
from cadence_app.consent.ledger import note_stop
from cadence_app.consent.models import Decision, PossibleOptOut
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# 47 CFR 64.1200(a)(10): at most ten business days to honour a revocation.
BUSINESS_DAYS_TO_DECIDE = 10
_NOT_SAID = Found()


def flag(
    contact_id: int,
    team_id: int,
    message_id: int,
    words: str,
    zone: ZoneInfo,
    said_at: datetime | None = None,
    found: Found = _NOT_SAID,
    number: str = "",
    now: datetime | None = None,
) -> None:
    """Flags a contact in a team for words they wrote at `said_at` (UTC, the carrier's time; None is now) from
    the phone with this number (E.164), and what was `found` in them. The clock starts then, however late they
    are read, and never after `now` (UTC; None asks the database). More words join an open flag; the earliest
    ones start its clock, in whatever order they are read."""
    now = now or db.session.scalars(select(func.now())).one()
    received_at = min(said_at or now, now)
    due_on = business_day_after(received_at.astimezone(zone).date(), BUSINESS_DAYS_TO_DECIDE)
    new = upsert(PossibleOptOut).values(
        tenant_id=tenant_in_use(),
        contact_id=contact_id,
        team_id=team_id,
        message_id=message_id,
        message_ids=[message_id],
        words=words,
        phrases=found.words,
        classifier=found.classifier,
        numbers=[number] if number else [],
        received_at=received_at,
        said_at=received_at,
        due_on=due_on,
        decision=Decision.OPEN,
    )
    db.session.execute(
        new.on_conflict_do_update(
            index_elements=["contact_id", "team_id"],
            index_where=PossibleOptOut.decision == literal_column("'open'"),
            set_={
                "message_id": message_id,
                "message_ids": func.array_append(PossibleOptOut.message_ids, message_id),
                "words": PossibleOptOut.words + "\n" + new.excluded.words,
                "received_at": func.least(PossibleOptOut.received_at, new.excluded.received_at),
                "due_on": func.least(PossibleOptOut.due_on, new.excluded.due_on),
                "numbers": PossibleOptOut.numbers + new.excluded.numbers,
                "said_at": func.greatest(PossibleOptOut.said_at, new.excluded.said_at),
                "phrases": func.concat_ws(
                    "\n", func.nullif(PossibleOptOut.phrases, ""), func.nullif(new.excluded.phrases, "")
                ),
                "classifier": func.greatest(PossibleOptOut.classifier, new.excluded.classifier),
            },
        )
    )


def open_flag(contact_id: int, team_id: int) -> PossibleOptOut | None:
    """The undecided flag that holds automated texts to this contact in this team, if there is one."""
    return db.session.scalars(
        select(PossibleOptOut)
        .where(
            PossibleOptOut.contact_id == contact_id,
            PossibleOptOut.team_id == team_id,
            PossibleOptOut.decision == Decision.OPEN,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()


def dismiss(user: User, contact_id: int, team_id: int, message_id: int | None) -> bool:
    """A user's decision that the words up to this text were no opt out; automated texts may go again.

    False, and nothing is decided, where more words have come since or somebody else has decided.
    """
    # Words that are coming in hold the contact: they are seen here, or come after the decision.
    lock_contacts([contact_id])
    read = open_flag(contact_id, team_id)
    if read is None or read.message_id != message_id:
        return False
    decide(contact_id, [team_id], Decision.DISMISSED, user.id)
    return True


def decide(contact_id: int, team_ids: list[int], decision: Decision, user_id: int | None) -> None:
    """Closes the open flags of a contact in these teams; `user_id` is None where the contact decided."""
    _close([(contact_id, team_id) for team_id in team_ids], decision, user_id)


def reopen(flag_ids: list[int], team_ids: list[int], stops: Sequence[dict[str, Any]]) -> None:
    """Makes these flags, of a contact who has taken their word back in these teams, wait for a person again.
    They are due on the day they were, and no stop until then; `stops` are those that the phones which wrote
    them had before (TeamOnlyQuestion)."""
    reopened = db.session.execute(
        update(PossibleOptOut)
        .where(PossibleOptOut.id.in_(flag_ids), PossibleOptOut.team_id.in_(team_ids))
        .values(decision=Decision.OPEN, decided_at=None, decided_by_id=None)
        .returning(PossibleOptOut)
    ).scalars()
    flags = reopened.all()
    for row in flags:
        decided_words.forget(row.numbers, row.said_at, row.team_id, stops)
    flag_followers.tell(
        [
            Settled(row.contact_id, row.team_id, tuple(row.message_ids), asked_since=row.received_at)
            for row in flags
        ]
    )


def settle_opted_out(pairs: list[tuple[int, int]]) -> None:
    """Closes the open flags of these contacts and teams, which somebody's system has opted out."""
    _close(pairs, Decision.OPTED_OUT, None)


def with_holders(contact_ids: Collection[int]) -> list[int]:
    """These contacts, and who has by now a number from which one of them wrote what is flagged, in the order
    of their ids: who decides about it holds them all at once, for holding more later on could end in a circle
    of waiting."""
    query = select(func.unnest(PossibleOptOut.numbers)).where(
        PossibleOptOut.contact_id.in_(contact_ids), PossibleOptOut.decision == Decision.OPEN
    )
    return sorted({*contact_ids, *number_holders.holders(set(db.session.scalars(query)))})


def give_to(contact_id: int, from_id: int) -> None:
    """Gives a contact the flags of another one. Two open ones of a team become one, due the earlier day."""
    flags = db.session.scalars(
        select(PossibleOptOut).where(PossibleOptOut.contact_id == from_id).order_by(PossibleOptOut.id)
    ).all()
    for flag in flags:
        own = open_flag(contact_id, flag.team_id) if flag.decision == Decision.OPEN else None
        if own is None:
            flag.contact_id = contact_id
            db.session.flush()
            continue
        first, second = sorted((own, flag), key=lambda each: each.received_at)
        words, message_id = f"{first.words}\n{second.words}", second.message_id
        own.received_at, own.due_on = first.received_at, min(own.due_on, flag.due_on)
        own.numbers, own.said_at = [*first.numbers, *second.numbers], max(own.said_at, flag.said_at)
        own.words, own.message_id = words, message_id
        own.phrases = "\n".join(each.phrases for each in (first, second) if each.phrases)
        own.classifier = max(filter(None, (first.classifier, second.classifier)), default=None)
        own.message_ids = [*first.message_ids, *second.message_ids]
        db.session.delete(flag)
    db.session.flush()


def _close(pairs: list[tuple[int, int]], decision: Decision, user_id: int | None) -> None:
    """Closes open flags. Words that were an opt out are one of the phone that wrote them, and the person's
    own: the caller has opted them out, and what was said is not forgotten by who did it."""
    closed = db.session.execute(
        update(PossibleOptOut)
        .where(
            among(PossibleOptOut.contact_id, PossibleOptOut.team_id, pairs),
            PossibleOptOut.decision == Decision.OPEN,
        )
        .values(decision=decision, decided_at=func.now(), decided_by_id=user_id)
        .returning(
            PossibleOptOut.contact_id,
            PossibleOptOut.team_id,
            PossibleOptOut.numbers,
            PossibleOptOut.said_at,
            PossibleOptOut.message_ids,
        )
    ).all()
    if decision != Decision.OPTED_OUT:
        return
    flag_followers.tell(
        [Settled(row.contact_id, row.team_id, tuple(row.message_ids), user_id) for row in closed]
    )
    for row in sorted(closed, key=lambda each: (each.contact_id, each.team_id)):
        if row.numbers:
            words_count(row.contact_id, row.team_id, row.numbers, row.said_at)


def words_count(contact_id: int, team_id: int, numbers: Collection[str], said_at: datetime) -> None:
    """Notes that a contact, whom the caller has opted out, asked a team to stop in words of their own, from
    phones with these numbers (E.164): it is theirs, and a stop of each number. Whoever else has one by now is
    barred as who gets it next is, and held until a person decides where they are opted in."""
    note_stop(contact_id, team_id, said_at)
    others = number_holders.held_from_others(contact_id, numbers)
    said = decided_words.keep(numbers, said_at, team_id)
    for holder_id in sorted(others):
        lock_contacts([holder_id])
        if not decided_words.bar_holder(holder_id, numbers, said_at, team_id, said):
            continue
        zone = db.session.get_one(Tenant, tenant_in_use()).zone
        now: datetime = db.session.scalars(select(func.now())).one()
        held = upsert(PossibleOptOut).values(
            tenant_id=tenant_in_use(),
            contact_id=holder_id,
            team_id=team_id,
            words=said,
            received_at=now,
            due_on=business_day_after(now.astimezone(zone).date(), BUSINESS_DAYS_TO_DECIDE),
            decision=Decision.OPEN,
        )
        db.session.execute(held.on_conflict_do_nothing())


def business_day_after(day: date, days: int) -> date:
    """The day that many weekdays after a day. Public holidays are counted as weekdays: the stricter way."""
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day


def business_days_between(day: date, other: date) -> int:
    """How many weekdays lie after a day up to and with another one; below nought where that is earlier. What
    business_day_after() reaches in n days is n away."""
    first, last = sorted((day, other))
    weeks, rest = divmod((last - first).days, 7)
    count = 5 * weeks + sum((first.weekday() + each) % 7 < 5 for each in range(1, rest + 1))
    return count if other >= day else -count
