"""The form of a campaign: what it says, from where, and to whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import Field, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from cadence_app.campaigns.segments import MOST_PASTED, MOST_PICKED, Segment, Who
from cadence_app.campaigns.service import inboxes_for
from cadence_app.consent.models import Consent
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.imports.service import named_lists
from cadence_app.contacts.models import Contact, CustomField, Tag
from cadence_app.contacts.searching import matches
from cadence_app.extensions import db
from cadence_app.form_fields import (
    LaterField,
    MultiCheckboxField,
    no_control_characters,
    one_kind_of_line_end,
    stripped,
)
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import area_code_near
from cadence_app.messaging.merge_fields import tenant_fields
from cadence_app.messaging.sending import MAX_BODY_LENGTH
from cadence_app.messaging.template_routes import known_fields
from cadence_app.phone_numbers import BadNumber, LocalNumber, area_code_of, parse_number, with_area_code
from cadence_app.ui.formatting import in_zone
from cadence_app.ui.navigation import words_for

_FOUND, _SHOWN = 20, 3
_BETWEEN_ENTRIES = re.compile(r"[\n,;\t]+")
_TAG_FIELDS = ("tags_any", "tags_all", "tags_none")
_LISTS = (*_TAG_FIELDS, "imports")
# What says whom a campaign is for.
_WHOM = (*_LISTS, "inbox_id", "who", "field_id", "field_value", "picked", "pasted")
LEAVE_OUT = "out"


class CampaignForm(FlaskForm):
    """`picked` is the ids of contacts as text; `search` finds more of them to pick. `local_as` says what
    seven-digit lines are: numbers of this area code, or LEAVE_OUT; unanswered, `locals_seen` has them and
    `area_code` the one to offer."""

    name = StringField(
        "Name",
        [DataRequired("Give the campaign a name."), Length(max=100), no_control_characters],
        filters=[stripped],
    )
    inbox_id = SelectField("From", coerce=int)
    who = RadioField("To", default=Who.TEAM)
    tags_any = MultiCheckboxField("With any of these tags", coerce=int)
    tags_all = MultiCheckboxField("With all of these tags", coerce=int)
    tags_none = MultiCheckboxField("Without any of these tags", coerce=int)
    imports = MultiCheckboxField("In any of these imports", coerce=int)
    field_id = SelectField("Custom field", coerce=int, default=0)
    field_value = StringField("is", [Length(max=200), no_control_characters], filters=[stripped])
    search = StringField("Find contacts", [Length(max=200), no_control_characters], filters=[stripped])
    picked = MultiCheckboxField("Picked", coerce=int, validate_choice=False)
    pasted = TextAreaField("Numbers or ContactIds", [no_control_characters], filters=[one_kind_of_line_end])
    local_as = HiddenField()
    body = TextAreaField(
        "Text",
        [
            DataRequired("Write something first."),
            Length(max=MAX_BODY_LENGTH, message=f"A text may be {MAX_BODY_LENGTH} characters long at most."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )

    def __init__(self, *args: Any, kept_imports: Sequence[int] = (), **options: Any) -> None:
        """`kept_imports` can be chosen although they are not of the latest: the campaign has them."""
        super().__init__(*args, **options)
        self.locals_seen: list[str] = []
        self.area_code = ""
        self.not_offered = 0
        team = words_for(current_user).team
        self.inboxes = inboxes_for(current_user)
        self.inbox_id.choices = [(box.id, _inbox_name(box)) for box in self.inboxes]
        self.who.choices = [
            SelectChoice(str(Who.TEAM), f"Contacts of the {team}, all or those who fit"),
            SelectChoice(str(Who.PICKED), "Contacts picked by hand"),
            SelectChoice(str(Who.PASTED), "A list of numbers or ContactIds"),
        ]
        tags = db.session.execute(select(Tag.id, Tag.name).order_by(func.lower(Tag.name))).all()
        for name in _TAG_FIELDS:
            self[name].choices = [(tag_id, tag) for tag_id, tag in tags]
        self.imports.choices = [
            (each.id, f"{each.file_name}, {_began(each)}")
            for each in named_lists(current_user, _storable(list(kept_imports)))
        ]
        fields = db.session.execute(
            select(CustomField.id, CustomField.name).order_by(CustomField.position, CustomField.id)
        )
        self.field_id.choices = [(0, "Any"), *((field_id, name) for field_id, name in fields)]

    @classmethod
    def of(cls, name: str, inbox_id: int, body: str, segment: Segment) -> CampaignForm:
        """The form of a campaign as it is."""
        field_id, value = segment.narrowing.get("field", (0, ""))
        return cls(
            name=name,
            inbox_id=inbox_id,
            body=body,
            who=segment.who,
            picked=list(segment.contact_ids),
            pasted="\n".join(segment.entries),
            field_id=field_id,
            field_value=value,
            kept_imports=imports_of(segment),
            **{key: segment.narrowing.get(key, []) for key in _LISTS},
        )

    def choose_import(self, import_id: int | None) -> None:
        """Ticks an import that a link names, if it is one to choose."""
        if any(value == import_id for value, *_ in self.imports.choices):
            self.imports.data = [import_id]

    def choose_people(self, contact_ids: Sequence[int]) -> None:
        """Ticks people who were selected in the list of contacts, from an inbox of the team that most of them
        are in; `not_offered` says how many are not in it, and so not to choose."""
        in_teams = (
            select(Consent.team_id, func.count())
            .where(
                Consent.team_id.in_({box.team_id for box in self.inboxes}),
                Consent.contact_id.in_(contact_ids),
            )
            .group_by(Consent.team_id)
        )
        counts = {row[0]: row[1] for row in db.session.execute(in_teams)}
        box = max(self.inboxes, key=lambda box: counts.get(box.team_id, 0), default=None)
        if box is None:
            return
        self.inbox_id.data, self.who.data = box.id, str(Who.PICKED)
        self.picked.data = self._in_team(list(contact_ids))
        self.not_offered = len(set(contact_ids)) - len(self.picked.data)

    @property
    def inbox(self) -> Inbox | None:
        return next((box for box in self.inboxes if box.id == self.inbox_id.data), None)

    @property
    def segment(self) -> Segment:
        """Whom it is for; ask only after validate()."""
        who = Who(self.who.data)
        if who == Who.PICKED:
            return Segment(who, contact_ids=tuple(self._in_team(self.picked.data)))
        if who == Who.PASTED:
            return Segment(who, entries=tuple(self._entries()))
        narrowing = {key: self[key].data for key in _LISTS if self[key].data}
        if self.field_id.data:
            narrowing["field"] = [self.field_id.data, self.field_value.data]
        return Segment(who, narrowing)

    def picked_contacts(self) -> list[Contact]:
        """Those that are ticked, by name."""
        return self._contacts(Contact.id.in_(_storable(self.picked.data)), MOST_PICKED)

    def found_contacts(self) -> list[Contact]:
        """Those that the search finds and that are not ticked yet."""
        if not self.search.data or self.search.errors:
            return []
        new = Contact.id.not_in(_storable(self.picked.data))
        return self._contacts(matches(self.search.data) & new, _FOUND)

    def some_contacts(self) -> list[Contact]:
        """A few of the inbox's team, to show the text by."""
        return self._contacts(Contact.first_name != "", _SHOWN)

    def has_choice(self) -> bool:
        """Whether it says whom the campaign is for, whatever else is not filled in yet."""
        self.validate()
        return not any(self[name].errors for name in _WHOM)

    def validate_field_value(self, field: Field) -> None:
        if self.field_id.data and not field.data:
            raise ValidationError("Enter the value that the field must have.")

    def validate_picked(self, field: Field) -> None:
        if self.who.data != Who.PICKED:
            return
        if not self._in_team(field.data):
            raise ValidationError("Find contacts and check at least one.")
        if len(field.data) > MOST_PICKED:
            raise ValidationError(f"Pick {MOST_PICKED} at most, or use tags.")

    def validate_pasted(self, field: Field) -> None:
        if self.who.data != Who.PASTED:
            return
        entries = self._entries()
        if not entries:
            raise ValidationError("Paste at least one number or ContactId.")
        if len(entries) > MOST_PASTED:
            raise ValidationError(f"Paste {MOST_PASTED:,} lines at most.")
        self._settle_locals(field, entries)

    def validate_body(self, field: Field) -> None:
        known_fields(tenant_fields(), field)

    def _entries(self) -> list[str]:
        found = (entry.strip()[:100] for entry in _BETWEEN_ENTRIES.split(self.pasted.data or ""))
        return [entry for entry in found if entry]

    def _settle_locals(self, field: Field, entries: list[str]) -> None:
        """Gives lines that only lack an area code the one that was chosen. Errors: ValidationError, where
        nobody has chosen yet."""
        found = self._locals(entries)
        if not found or self.inbox is None or self.local_as.data == LEAVE_OUT:
            return
        self.area_code = area_code_of(self.inbox.number) or area_code_near([self.inbox.team_id])
        if not self.area_code or self.local_as.data != self.area_code:
            self.locals_seen = list(found)
            which = "line is a number" if len(found) == 1 else "lines are numbers"
            raise ValidationError(
                f"{len(found):,} {which} without an area code, such as {next(iter(found))}."
            )
        full = {entry: with_area_code(self.area_code, digits) or entry for entry, digits in found.items()}
        field.data = "\n".join(full.get(entry, entry) for entry in entries)

    def _locals(self, entries: list[str]) -> dict[str, str]:
        """The seven digits of each line that is a number without an area code, and nobody's ContactId in the
        inbox's team."""
        found: dict[str, str] = {}
        for entry in entries:
            try:
                parse_number(entry)
            except LocalNumber as local:
                found[entry] = local.digits
            except BadNumber:
                continue
        ids = select(Contact.external_id).join(Consent, Consent.contact_id == Contact.id)
        team_id = self.inbox.team_id if self.inbox else None
        known = set(db.session.scalars(ids.where(Consent.team_id == team_id, Contact.external_id.in_(found))))
        return {entry: digits for entry, digits in found.items() if entry not in known}

    def _in_team(self, contact_ids: list[int]) -> list[int]:
        """Those of the ids that are contacts of the inbox's team, whoever made them up."""
        if self.inbox is None:
            return []
        known = select(Consent.contact_id).where(
            Consent.team_id == self.inbox.team_id, Consent.contact_id.in_(_storable(contact_ids))
        )
        return sorted(db.session.scalars(known))

    def _contacts(self, condition: Any, limit: int) -> list[Contact]:
        if self.inbox is None:
            return []
        in_team = select(Consent.contact_id).where(Consent.team_id == self.inbox.team_id)
        query = select(Contact).where(Contact.id.in_(in_team), condition)
        ordered = query.order_by(Contact.last_key, Contact.first_key, Contact.id)
        return list(db.session.scalars(ordered.limit(limit)))


class SendForm(FlaskForm):
    """When it goes: `when` is now or later, `send_at` by the user's clock."""

    when = RadioField(
        "When",
        choices=[SelectChoice("now", "Now"), SelectChoice("later", "At a time")],
        default="now",
    )
    send_at = LaterField("Day and time")

    def validate_send_at(self, field: Field) -> None:
        if self.when.data == "later":
            self.send_at.check(current_user.zone)
        else:
            self.send_at.errors = []
            self.send_at.process_errors = []


def imports_of(segment: Segment) -> list[int]:
    """The ids of the imports that a segment is narrowed to."""
    return list(segment.narrowing.get("imports", []))


def _inbox_name(box: Inbox) -> str:
    return f"{box.name}, {box.team.name}{' (simulator only)' if box.simulated else ''}"


def _began(imported: Import) -> str:
    """The day and minute at which an import was started, by the user's clock."""
    return in_zone(imported.started_at or imported.created_at, current_user.zone)


def _storable(ids: list[int] | None) -> list[int]:
    """Ids that a row can have: a form may say any number."""
    return [each for each in ids or [] if 0 < each < 2**63]
