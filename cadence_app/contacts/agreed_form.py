"""The one form part in which a person enters how somebody agreed to be texted: a way, a day, words.

It asks for nothing: a form is valid without any of it. templates/consent/_how_they_agreed.html shows it.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, RadioField, StringField, TextAreaField, ValidationError
from wtforms.validators import Length, Optional

from cadence_app.consent.evidence import (
    BY_HAND,
    EARLIEST,
    METHOD_NAMES,
    MOST_NAME,
    MOST_URL,
    MOST_WORDS,
    Given,
)
from cadence_app.consent.evidence_by_user import AgreedBefore
from cadence_app.consent.evidence_models import Method
from cadence_app.contacts.names import folded
from cadence_app.form_fields import DayField, no_control_characters, one_kind_of_line_end, stripped

CHOOSE_HOW = "Choose how they agreed."
# The last takes back a choice: of radio buttons, one that was chosen by mistake stays chosen.
_WAYS = [*((str(method), METHOD_NAMES[method]) for method in BY_HAND), ("", "Not recorded")]
_IN_NO_ADDRESS = re.compile(r"[\s\x00-\x20\x7f-\x9f\\]")


def words_field(label: str, most: int = MOST_WORDS, name: str | None = None) -> Any:
    """The field for words; with a name of its own where a form has had one for them."""
    too_many = Length(max=most, message=f"Keep it under {most:,} characters.")
    checks = [too_many, no_control_characters]
    return TextAreaField(label, checks, filters=[one_kind_of_line_end, stripped], name=name)


class AgreedForm(FlaskForm):
    """`asked_for`: a way must be chosen. `words_alone`: words may stand without one, for they are the reason
    of a change. `given` is what was entered, once the form is valid."""

    asked_for = False
    words_alone = False

    method = RadioField("How they agreed", choices=_WAYS, validate_choice=False)
    words = words_field("What they read, signed or said")
    agreed_on = DayField("When they agreed", [Optional()])
    collected_by = StringField(
        "Who asked them",
        [
            Length(max=MOST_NAME, message=f"Keep it under {MOST_NAME} characters."),
            no_control_characters,
        ],
        filters=[folded, stripped],
    )
    page_url = StringField(
        "Address of the page",
        [
            Length(max=MOST_URL, message=f"Keep it under {MOST_URL:,} characters."),
            no_control_characters,
        ],
        filters=[stripped],
    )

    @property
    def given(self) -> Given | None:
        """What was entered; None where no way was chosen."""
        if not self.method.data:
            return None
        return Given(
            Method(self.method.data),
            agreed_on=self.agreed_on.data,
            words=self.words.data,
            page_url=self.page_url.data,
            collected_by=self.collected_by.data,
        )

    @property
    def part(self) -> tuple[Field, ...]:
        return (self.method, self.words, self.agreed_on, self.collected_by, self.page_url)

    @property
    def open(self) -> bool:
        """Whether what follows on a way is shown though none is chosen: so that nothing typed is hidden."""
        fields = [self.agreed_on, self.collected_by, self.page_url]
        if not self.words_alone:
            fields.append(self.words)
        return any(field.errors or field.data or (field.raw_data and field.raw_data[0]) for field in fields)

    @property
    def earliest(self) -> date:
        return EARLIEST

    @property
    def today(self) -> date:
        """The day in the organization's zone, in which the day they agreed is."""
        return datetime.now(current_user.tenant.zone).date()

    def with_ids(self, start: str) -> None:
        """Makes the ids of the fields begin so, for a page that has the form more than once."""
        for field in self.part:
            field.id = f"{start}-{field.name}"

    def agreed_before(self, error: AgreedBefore) -> str:
        """Says at the day why it was refused, and returns what it says."""
        day = f"{error.out_on:%b} {error.out_on.day}, {error.out_on.year}"
        said = f"They were opted out on {day}. Say how they have agreed since."
        self.agreed_on.errors = [said]
        return said

    def first_faulty(self) -> Field | None:
        """The first field, as they stand on the page, with something to put right."""
        return next((field for field in self.part if field.errors), None)

    def first_problem(self) -> str:
        """The first thing to put right."""
        faulty = self.first_faulty()
        return str(faulty.errors[0]) if faulty is not None else ""

    def validate_method(self, field: Field) -> None:
        if not field.data:
            alone = (self.agreed_on, self.collected_by, self.page_url)
            said = any(each.data for each in alone) or bool(self.words.data and not self.words_alone)
            if self.asked_for or said:
                raise ValidationError(CHOOSE_HOW)
        elif field.data not in BY_HAND:
            field.data = None
            raise ValidationError(CHOOSE_HOW)

    def validate_agreed_on(self, field: Field) -> None:
        if field.data is None:
            return
        if field.data > self.today:
            raise ValidationError("This day is still to come.")
        if field.data < EARLIEST:
            day = f"{EARLIEST:%b} {EARLIEST.day}, {EARLIEST.year}"
            raise ValidationError(f"Nobody was texted before {day}. Check the year.")

    def validate_page_url(self, field: Field) -> None:
        if not field.data:
            return
        if not _is_address(field.data):
            raise ValidationError("Enter the whole address, such as https://example.edu/join.")
        if self.method.data and self.method.data != Method.WEB_FORM:
            raise ValidationError("Only a web form has an address. Choose Web form, or leave this empty.")


class AgreedAlreadyForm(AgreedForm):
    """For somebody who is opted in already."""

    asked_for = True


def _is_address(typed: str) -> bool:
    try:
        parts = urlsplit(typed)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and not _IN_NO_ADDRESS.search(typed)
