"""Finding, adding and editing contacts."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import first_status
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_by_user import AgreedBefore, refuse_before
from cadence_app.consent.evidence_models import Way
from cadence_app.consent.evidence_of_all import grounds
from cadence_app.consent.models import Consent
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact, ContactTag
from cadence_app.contacts.searching import narrowed_by_name
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import tenant_in_use

PAGE = 50
# Beside the statuses, what a list can be narrowed to: who is opted in and has no evidence of it.
NONE_RECORDED = "none_recorded"


class TeamClosed(ValueError):
    """Nobody joins a closed team."""


class Taken(ValueError):
    """Another contact has this number or ContactId. `field` names the form's field."""

    def __init__(self, field: str, contact: Contact) -> None:
        super().__init__(f"{contact.name or contact.number} has this one")
        self.field, self.contact = field, contact


def matching(
    user: User, search: str, status: str, tag_id: int | None = None, team_id: int | None = None
) -> Select[Contact]:
    """The contacts in a user's teams that match, in no order. `status` is opted_in, opted_out, NONE_RECORDED
    or empty; `tag_id` that of a tag they carry; `team_id` one of the user's teams, for this one alone. Where
    it is NONE_RECORDED, run it in at_once()."""
    teams = [team_id] if team_id is not None else team_ids(user)
    shared = select(Consent.contact_id).where(Consent.team_id.in_(teams))
    if status == NONE_RECORDED:
        of_each = grounds(teams)
        shared = select(of_each.c.contact_id).where(of_each.c.ground.is_(None))
    elif status:
        shared = shared.where(Consent.status == status)
    query = select(Contact).where(Contact.id.in_(shared))
    if tag_id is not None:
        query = query.where(Contact.id.in_(select(ContactTag.contact_id).where(ContactTag.tag_id == tag_id)))
    if search:
        query = narrowed_by_name(query, search)
    return query


def first_found(user: User, search: str) -> list[Contact]:
    """The first page of who matches a search, by name."""
    ordered = matching(user, search, "").order_by(Contact.last_key, Contact.first_key, Contact.id)
    return list(db.session.scalars(ordered.limit(PAGE)))


def statuses_of(user: User, contacts: list[Contact]) -> dict[int, list[Consent]]:
    """The consents of these contacts in the teams that the user shares with them, by contact id."""
    found: dict[int, list[Consent]] = {contact.id: [] for contact in contacts}
    query = (
        select(Consent)
        .join(Consent.team)
        .where(Consent.contact_id.in_(found), Consent.team_id.in_(team_ids(user)))
        .order_by(Team.name)
    )
    for stored in db.session.scalars(query):
        found[stored.contact_id].append(stored)
    return found


def find_contact(user: User, contact_id: int) -> Contact | None:
    """A contact who is in one of the user's teams."""
    shared = select(Consent.contact_id).where(Consent.team_id.in_(team_ids(user)))
    return db.session.scalars(
        select(Contact).where(Contact.id == contact_id, Contact.id.in_(shared))
    ).one_or_none()


def add_contact(
    user: User,
    team: Team,
    number: str,
    first_name: str,
    last_name: str,
    external_id: str,
    given: Given | None = None,
) -> Contact:
    """Adds a contact to a team by hand, and commits. Someone whom the tenant knows by this number and who
    is not in the team yet joins it as they are, opted out where it is not the number that they are texted
    at. `given` says how they agreed; it is kept for the number that is texted alone. Errors: Taken;
    TeamClosed; AgreedBefore."""
    contact = join(user, team, number, first_name, last_name, external_id, given)
    db.session.commit()
    return contact


def join(
    user: User,
    team: Team,
    number: str,
    first_name: str,
    last_name: str,
    external_id: str,
    given: Given | None = None,
    way: Way = Way.ADDED,
) -> Contact:
    """add_contact() in the caller's transaction, which holds the contact from then on; but it is over where
    there is an error."""
    known, made = hold_or_make(team, number, first_name, last_name, external_id)
    if not made and consent.consent_of(known.id, team.id):
        raise Taken("number", known)
    _refuse_before(known.id, team, given)
    texted = lock_contacts([known.id])[known.id].number in spellings(number)
    first_status.add_by_user(user, known.id, team.id, number, given if texted else None, way)
    return known


def join_known(user: User, team: Team, contact_id: int, given: Given | None, way: Way) -> bool:
    """Has a contact whom the tenant knows join a team by the number that they are texted at, as join() does;
    False where they are gone by now. Nothing changes for who is in it already. Errors: TeamClosed;
    AgreedBefore."""
    _keep_open(team)
    if not lock_contacts([contact_id]):
        return False
    _refuse_before(contact_id, team, given)
    first_status.add_by_user(user, contact_id, team.id, None, given, way)
    return True


def hold_or_make(
    team: Team, number: str, first_name: str, last_name: str, external_id: str
) -> tuple[Contact, bool]:
    """The contact who has a number (E.164), held, to join a team that stays open until this transaction ends;
    made with these names where nobody has it, and whether that was so. Errors: Taken; TeamClosed."""
    _keep_open(team)
    # Merged, erased or given another number while this waited: whoever has it then.
    while known := _holder(number):
        if lock_contacts([known.id]) and contact_with(number) == known.id:
            return known, False
    _check_external_id(external_id, None)
    contact = Contact(
        tenant_id=tenant_in_use(),
        number=number,
        first_name=first_name,
        last_name=last_name,
        external_id=external_id,
    )
    db.session.add(contact)
    try:
        db.session.flush()
    except IntegrityError as error:
        # Somebody else added them between the two statements: look again.
        db.session.rollback()
        if known := _holder(number):
            raise Taken("number", known) from error
        _check_external_id(external_id, None)
        raise
    return contact, True


def edit_contact(user: User, contact: Contact, custom: dict[str, str] | None = None, **names: str) -> None:
    """Changes `first_name`, `last_name` and `external_id`, and the custom fields where they are given, and
    commits. History rows keep what they were. Errors: Taken.

    The number is not among them: consent was given for a number, and another one is another consent
    (phones.py). The audit log says which fields changed and not what they hold, for it outlasts the person.
    """
    contact_id = contact.id
    _check_external_id(names["external_id"], contact_id)
    changed = [name for name, value in names.items() if getattr(contact, name) != value]
    for name in changed:
        setattr(contact, name, names[name])
    if custom is not None and custom != contact.custom:
        changed += sorted(
            f"custom field {key}"
            for key in contact.custom.keys() | custom.keys()
            if contact.custom.get(key) != custom.get(key)
        )
        contact.custom = custom
    if changed:
        audit.record(user, "contact.edited", f"Contact {contact_id}", fields=(None, changed))
    try:
        db.session.commit()
    except IntegrityError:
        # Somebody else took the ContactId between the two statements.
        db.session.rollback()
        _check_external_id(names["external_id"], contact_id)
        raise


def find_anywhere(contact_id: int) -> Contact | None:
    """A contact of the tenant, of whatever team, for who may act on any of them."""
    return db.session.scalars(
        select(Contact).where(Contact.id == contact_id, Contact.gone_at.is_(None))
    ).one_or_none()


def kept_of(contact_id: int) -> int:
    """The id of the contact that this one was merged into; its own where it was not."""
    return db.session.scalar(select(Contact.merged_into_id).where(Contact.id == contact_id)) or contact_id


def team_ids(user: User) -> list[int]:
    return [team.id for team in user.teams]


def _refuse_before(contact_id: int, team: Team, given: Given | None) -> None:
    try:
        refuse_before(contact_id, [team.id], given, Way.ADDED)
    except AgreedBefore:
        db.session.rollback()
        raise


def _keep_open(team: Team) -> None:
    """Nobody closes the team before this transaction ends. Errors: TeamClosed."""
    db.session.refresh(team, with_for_update={"read": True})
    if team.closed_at:
        db.session.rollback()
        raise TeamClosed


def _holder(number: str) -> Contact | None:
    contact_id = contact_with(number)
    return db.session.get(Contact, contact_id) if contact_id else None


def _check_external_id(external_id: str, but: int | None) -> None:
    if not external_id:
        return
    other = select(Contact).where(Contact.external_id == external_id, Contact.id.is_distinct_from(but))
    if taken := db.session.scalars(other).one_or_none():
        raise Taken("external_id", taken)
