"""The field of a form for a phone number: read strictly, with an offer where only the area code is missing.

The offer is a button of the form that sends the full number under the field's name, after what was typed; so
it needs no script. It counts only for the number that it was made for: whoever types another one and presses
Enter sends what they typed.
"""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import TelField
from wtforms.validators import ValidationError

from cadence_app.phone_numbers import BadNumber, LocalNumber, parse_number, with_area_code


class NumberField(TelField):
    """`data` is E.164 once the form is valid. `offer` is the full number (E.164) that a local one is perhaps
    meant to be, once the route has said in which area."""

    def __init__(self, label: str, validators: list[Any], **options: Any) -> None:
        super().__init__(label, [*validators, _full], **options)
        self.local, self.offer = "", ""

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = _accepted(*valuelist[:2]) if len(valuelist) > 1 else valuelist[0]

    def offer_in(self, area_code: str) -> None:
        """Offers the local number that was typed in an area, where one was and the two make a number."""
        self.offer = with_area_code(area_code, self.local) or "" if self.local else ""


def _accepted(typed: str, offered: str) -> str:
    """The number that was offered, if it is for what is typed."""
    try:
        parse_number(typed)
    except LocalNumber as local:
        return offered if with_area_code(offered[2:5], local.digits) == offered else typed
    except BadNumber:
        pass
    return typed


def _full(form: FlaskForm, field: NumberField) -> None:
    try:
        field.data = parse_number(field.data)
    except LocalNumber as error:
        field.local = error.digits
        raise ValidationError(str(error)) from error
    except BadNumber as error:
        raise ValidationError(str(error)) from error
