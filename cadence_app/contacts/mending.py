"""Numbers that were stored before they were read strictly (phone_numbers.py): read again once after an
upgrade, not texted while they are none, and listed for admins. Nothing is deleted.

A Mexican number with the 1 that its plan has lost is the same phone as the one without it: it is respelled.
Where another contact has that one, both get the stricter status at once and nothing is sent to the older
spelling until the two are merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, Tenant, User
from cadence_app.consent import same_phone
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import Consent
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact, ContactNumber, NumberToMend
from cadence_app.contacts.respelling import respell
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import area_code_near
from cadence_app.phone_numbers import BadNumber, parse_number, spelled, with_area_code
from cadence_app.tenancy import tenant_in_use, use_tenant
from cadence_app.work.leases import held

# Which reading phone_numbers.py has now; a higher one is read again at the next start.
READING = 1
PAGE = 50
_BATCH = 5_000
_TRIES = 3


@dataclass(frozen=True)
class ToMend:
    """A number on the list. `other` has it in its present spelling, where that is what is wrong; else
    `suggested` may be what was meant, empty where nobody can know. `teams` are those of the contact."""

    contact: Contact
    number: ContactNumber
    other: Contact | None
    suggested: str
    teams: Sequence[Team]


def due() -> int | None:
    """The id of a tenant whose numbers are to be read again; None where there is none."""
    return db.session.scalar(
        select(Tenant.id).where(Tenant.numbers_read < READING).order_by(Tenant.id).limit(1)
    )


def read_all_again() -> None:
    """Reads the stored numbers of every tenant that is due again, and commits. Cut off, or run twice, it does
    no harm; where another process is at it, it leaves it to that one."""
    while (tenant_id := due()) is not None:
        use_tenant(tenant_id)
        with held("numbers are read again") as mine:
            if not mine:
                return
            read_again()


def read_if_due() -> bool:
    """Reads the stored numbers of the tenant in use again, where that is due, and commits. False where
    another process is at it. What matches many numbers at once, as a file does, knows one spelling alone."""
    if db.session.get_one(Tenant, tenant_in_use(), populate_existing=True).numbers_read >= READING:
        return True
    with held("numbers are read again") as mine:
        if mine:
            read_again()
        return mine is not None


def read_again() -> None:
    """Reads the stored numbers of the tenant in use again, and commits."""
    found, after = _respell_inboxes(), 0
    query = select(ContactNumber.id, ContactNumber.contact_id, ContactNumber.number).order_by(
        ContactNumber.id
    )
    current = query.where(ContactNumber.until.is_(None)).limit(_BATCH)
    while rows := db.session.execute(current.where(ContactNumber.id > after)).all():
        for row in rows:
            read = _read(row.number)
            if read is None:
                _list(row.contact_id, row.number)
                found += 1
            elif read != row.number:
                _respell(row.contact_id, row.number, read)
                found += 1
        after = rows[-1].id
        db.session.commit()
    tenant = db.session.get_one(Tenant, tenant_in_use(), with_for_update=True, populate_existing=True)
    tenant.numbers_read = READING
    if found:
        audit.record(
            audit.CADENCE,
            "numbers.read_again",
            tenant.name,
            changed_or_listed=(None, found),
            to_mend=(None, count_to_mend()),
        )
    db.session.commit()


def count_to_mend() -> int:
    return db.session.scalars(select(func.count()).select_from(_listed().subquery())).one()


def to_mend(after: int = 0) -> tuple[list[ToMend], int | None]:
    """A page of the tenant's list, those behind this contact's id, and the id to go on from, if there are
    more. A contact stands there as often as they have such numbers."""
    found = db.session.execute(
        _listed().where(Contact.id > after).order_by(Contact.id, ContactNumber.id).limit(PAGE + 1)
    ).all()
    shown = found[:PAGE]
    teams = _teams_of([contact.id for contact, _ in shown])
    entries = [_entry(contact, number, teams.get(contact.id, [])) for contact, number in shown]
    return entries, shown[-1][0].id if len(found) > PAGE else None


def leave(user: User, contact_id: int, number: str) -> bool:
    """Takes a number off the list as it is, never to be texted, and commits. False where it is not there."""
    left = db.session.execute(
        update(NumberToMend)
        .where(
            NumberToMend.contact_id == contact_id,
            NumberToMend.number == number,
            NumberToMend.left_at.is_(None),
        )
        .values(left_at=func.now(), left_by_id=user.id)
        .returning(NumberToMend.contact_id)
    ).one_or_none()
    if left:
        audit.record(user, "number.left_unmended", f"Contact {contact_id}")
    db.session.commit()
    return left is not None


def _read(number: str) -> str | None:
    try:
        return parse_number(number)
    except BadNumber:
        return None


def _list(contact_id: int, number: str) -> None:
    row = {"tenant_id": tenant_in_use(), "contact_id": contact_id, "number": number}
    db.session.execute(upsert(NumberToMend).values(**row).on_conflict_do_nothing())


def _respell(contact_id: int, old: str, new: str) -> None:
    """Makes a number of a contact the same one in its present spelling, and commits."""
    for _ in range(_TRIES):
        db.session.commit()
        other_id = contact_with(new)
        ids = sorted({contact_id, other_id or contact_id})
        found = lock_contacts(ids, for_new_numbers=True)
        if contact_with(old) != contact_id:
            # Somebody gave it up meanwhile.
            break
        if contact_with(new) != other_id or len(found) != len(ids):
            continue
        if other_id is None or other_id == contact_id:
            respell(contact_id, old, new)
        else:
            _list(contact_id, old)
            same_phone.stricter(contact_id, other_id, old, new)
        break
    else:
        # Others are too fast for us: it waits on the list.
        _list(contact_id, old)
    db.session.commit()


def _respell_inboxes() -> int:
    """Gives the tenant's inboxes the spelling by which a text to them is read, unless another one has it. How
    many those were."""
    old = db.session.scalars(select(Inbox).where(Inbox.number.startswith("+521")).order_by(Inbox.id))
    changed = 0
    for inbox in old.all():
        new = spelled(inbox.number)
        if new != inbox.number and not db.session.execute(select(func.find_inbox(new))).first():
            audit.record(audit.CADENCE, "inbox.respelled", inbox.name, number=(inbox.number, new))
            inbox.number = new
            db.session.flush()
            changed += 1
    return changed


def _listed() -> Select[Contact, ContactNumber]:
    """Those that are still the contact's and that nobody has decided to leave."""
    return (
        select(Contact, ContactNumber)
        .join(ContactNumber, ContactNumber.contact_id == Contact.id)
        .join(
            NumberToMend,
            (NumberToMend.contact_id == Contact.id) & (NumberToMend.number == ContactNumber.number),
        )
        .where(Contact.gone_at.is_(None), ContactNumber.until.is_(None), NumberToMend.left_at.is_(None))
    )


def _teams_of(contact_ids: list[int]) -> dict[int, list[Team]]:
    found: dict[int, list[Team]] = {}
    query = select(Consent.contact_id, Team).join(Team, Team.id == Consent.team_id)
    for contact_id, team in db.session.execute(
        query.where(Consent.contact_id.in_(contact_ids)).order_by(Team.name)
    ):
        found.setdefault(contact_id, []).append(team)
    return found


def _entry(contact: Contact, number: ContactNumber, teams: list[Team]) -> ToMend:
    read = _read(number.number)
    other_id = contact_with(read) if read else None
    other = db.session.get(Contact, other_id) if other_id and other_id != contact.id else None
    # What was typed without its area code was kept behind the country's.
    local = number.number.removeprefix("+1")
    meant = with_area_code(area_code_near([team.id for team in teams]), local) if len(local) == 7 else None
    return ToMend(contact, number, other, read or meant or "", teams)
