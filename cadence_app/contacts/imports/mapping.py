"""What each column of a file is imported as: suggested from its name, remembered for the next file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.contacts.imports.models import ImportCode, ImportMapping
from cadence_app.contacts.imports.reading import plain_name
from cadence_app.contacts.models import CustomField, FieldKind
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# What a column can be beside a custom field; "{Team}" stands for the mode's word.
SKIP = "skip"
NEW_FIELD = "new"
_FIELD = "field:"
TARGETS = {
    "first_name": "First name",
    "last_name": "Last name",
    "external_id": "ContactId",
    "number": "Mobile number",
    "teams": "{Team} codes",
    "opted_out": "OptedOut",
    "status": "Status (Opted Out, Opted In)",
    "status_date": "StatusDate",
    "tags": "Tags",
    "consent_date": "ConsentDate (when they agreed)",
    "consent_source": "ConsentSource (how they agreed)",
    "consent_text": "ConsentText (what they read)",
    "consent_url": "ConsentUrl (page they were on)",
}
# A file that is begun anew has these columns, beside {Team}Code, each recognised by its name.
NAMES = (
    *("ContactId", "FirstName", "LastName", "MobileNumber", "{Team}Code", "OptedOut", "Tags"),
    *("ConsentDate", "ConsentSource", "ConsentText", "ConsentUrl"),
)
# Names that columns usually have, without anything but letters and digits.
_USUAL_NAMES = {
    "first_name": "firstname first fname givenname forename preferredname preferredfirstname",
    "last_name": "lastname last lname surname familyname",
    "external_id": "contactid id studentid externalid personid bannerid emplid slateid referenceid",
    "number": "mobilenumber mobile mobilephone cell cellphone cellnumber phone phonenumber number",
    "teams": "departmentcode departmentcodes department departments teamcode teamcodes team teams",
    "opted_out": "optedout optout",
    "status": "status",
    "status_date": "statusdate",
    "tags": "tags tag",
    # An e-mail list's "OPTIN_TIME" and "CONFIRM_TIME" are not among them: they are of e-mail.
    "consent_date": "consentdate dateofconsent consenttimestamp consentedat consentedon consentgivenon"
    " smsconsentdate smsconsenttimestamp textconsentdate optindate optedinat optedinon dateoptedin"
    " dateofoptin smsoptindate agreedon",
    "consent_source": "consentsource consentmethod sourceofconsent methodofconsent consentcollectedfrom"
    " smsconsentsource smsconsentmethod optinsource optinmethod smsoptinsource smsoptinmethod howtheyagreed",
    "consent_text": "consenttext consentwording consentwords consentstatement consentdisclosure optintext"
    " optinwording optinmessage",
    "consent_url": "consenturl consentpage consentpageurl consentformurl optinurl optinpage optinpageurl",
}
_SUGGESTED = {name: target for target, names in _USUAL_NAMES.items() for name in names.split()}
# A column of this name is one of consent only beside a StatusDate: others have a status of another sort.
_ONLY_IN_HISTORIES = "status"


@dataclass(frozen=True)
class Target:
    """What a column is imported as. `kind` is SKIP, a key of TARGETS, or "field"; a field has its id, name
    and kind. A field that is `new` is made when the import starts, with the id reserved for it here."""

    kind: str
    field_id: int = 0
    field_name: str = ""
    field_kind: FieldKind = FieldKind.TEXT
    new: bool = False

    @property
    def stored(self) -> dict[str, Any]:
        """As the import's row keeps it."""
        if self.kind != "field":
            return {"kind": self.kind}
        return {
            "kind": "field",
            "field_id": self.field_id,
            "field_name": self.field_name,
            "field_kind": self.field_kind,
            "new": self.new,
        }

    @property
    def choice(self) -> str:
        """As the form's list has it."""
        if self.kind != "field":
            return self.kind
        return NEW_FIELD if self.new else f"{_FIELD}{self.field_id}"


def suggest(headers: Sequence[str]) -> list[str]:
    """A choice for each column: what the tenant last took the name for, else what it usually means."""
    remembered = {
        row.header: row.target
        for row in db.session.scalars(
            select(ImportMapping).where(ImportMapping.header.in_([name.lower() for name in headers]))
        )
    }
    fields = {f"{_FIELD}{field.id}" for field in custom_fields()}
    by_name = {plain_name(field.name): f"{_FIELD}{field.id}" for field in custom_fields()}
    history = "status_date" in {_SUGGESTED.get(plain_name(name)) for name in headers}
    twice = named_twice(headers)
    chosen: list[str] = []
    for name in headers:
        known = remembered.get(name.lower(), "")
        if known not in fields | TARGETS.keys() | {SKIP}:
            known = _SUGGESTED.get(plain_name(name)) or by_name.get(plain_name(name), SKIP)
            if known == _ONLY_IN_HISTORIES and not history:
                known = SKIP
        # A file has one of each, and of two columns of one name nobody knows which is meant.
        chosen.append(SKIP if known in chosen or name.casefold() in twice else known)
    return chosen


def named_twice(headers: Sequence[str]) -> set[str]:
    """The names, in small letters, that more than one column has."""
    counted = Counter(name.casefold() for name in headers if name)
    return {name for name, count in counted.items() if count > 1}


def known_names() -> set[str]:
    """The names of columns that a file is likely to have, as plain_name() writes them."""
    earlier = db.session.scalars(select(ImportMapping.header))
    own = [field.name for field in custom_fields()]
    return _SUGGESTED.keys() | {plain_name(name) for name in (*earlier, *own)} - {""}


def choices(team_word: str) -> list[tuple[str, str]]:
    """Everything that a column can be imported as, for the form."""
    return [
        (SKIP, "Leave out"),
        *((key, label.format(Team=team_word)) for key, label in TARGETS.items()),
        *((f"{_FIELD}{field.id}", field.name) for field in custom_fields()),
        (NEW_FIELD, "New custom field"),
    ]


def targets(headers: Sequence[str], chosen: Sequence[str]) -> list[Target]:
    """The targets of valid choices. A new field is named as its column, and gets an id of its own; where
    there is one of that name, it is that one."""
    fields = {f"{_FIELD}{field.id}": field for field in custom_fields()}
    by_name = {field.name.lower(): choice for choice, field in fields.items()}
    found: list[Target] = []
    for name, wanted in zip(headers, chosen, strict=True):
        choice = by_name.get(name.strip().lower(), wanted) if wanted == NEW_FIELD else wanted
        if choice == NEW_FIELD:
            reserved = db.session.scalars(select(func.nextval("custom_fields_id_seq"))).one()
            found.append(Target("field", reserved, name.strip(), new=True))
        elif field := fields.get(choice):
            found.append(Target("field", field.id, field.name, field.kind))
        else:
            found.append(Target(choice))
    return found


def remember(headers: Sequence[str], of: Sequence[Target]) -> None:
    """Keeps what each named column was taken for."""
    twice = named_twice(headers)
    rows = {
        name.lower(): f"{_FIELD}{target.field_id}" if target.kind == "field" else target.kind
        for name, target in zip(headers, of, strict=True)
        if name and name.casefold() not in twice
    }
    statement = upsert(ImportMapping)
    if rows:
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "header"], set_={"target": statement.excluded.target}
            ),
            [
                {"tenant_id": tenant_in_use(), "header": name, "target": target}
                for name, target in sorted(rows.items())
            ],
        )


def make_new_fields(of: Sequence[Target]) -> list[str]:
    """Makes the custom fields that are new. Returns the names that another field took meanwhile."""
    wanted = [target for target in of if target.new]
    last = db.session.scalar(select(func.max(CustomField.position))) or 0
    for number, target in enumerate(wanted, 1):
        db.session.execute(
            upsert(CustomField)
            .values(
                id=target.field_id,
                tenant_id=tenant_in_use(),
                name=target.field_name,
                kind=target.field_kind,
                position=last + number,
            )
            .on_conflict_do_nothing()
        )
    there = set(
        db.session.scalars(
            select(CustomField.id).where(CustomField.id.in_([target.field_id for target in wanted]))
        )
    )
    return [target.field_name for target in wanted if target.field_id not in there]


def custom_fields() -> list[CustomField]:
    return list(db.session.scalars(select(CustomField).order_by(CustomField.position, CustomField.id)))


def teams_of_codes(codes: Collection[str]) -> dict[str, int]:
    """The ids of the teams that were last chosen for these codes."""
    wanted = {code.upper(): code for code in codes}
    rows = db.session.scalars(select(ImportCode).where(ImportCode.code.in_(wanted)))
    return {wanted[row.code]: row.team_id for row in rows}


def remember_codes(chosen: Mapping[str, int]) -> None:
    """Keeps which team was chosen for each code."""
    statement = upsert(ImportCode)
    rows = {code.upper(): team_id for code, team_id in chosen.items()}
    if rows:
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "code"], set_={"team_id": statement.excluded.team_id}
            ),
            [
                {"tenant_id": tenant_in_use(), "code": code, "team_id": team_id}
                for code, team_id in sorted(rows.items())
            ],
        )
