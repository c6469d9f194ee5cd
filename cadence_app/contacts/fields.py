"""The tenant's own fields of a contact: what they are, and a form to fill them in."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import DateField, Field, StringField
from wtforms.validators import Length, Optional, ValidationError

from cadence_app.contacts.models import Contact, CustomField, FieldKind
from cadence_app.extensions import db
from cadence_app.form_fields import no_control_characters, stripped

_MAX_LENGTH = 500


def custom_fields() -> list[CustomField]:
    return list(db.session.scalars(select(CustomField).order_by(CustomField.position, CustomField.id)))


def with_custom_fields(form: type[FlaskForm], fields: list[CustomField]) -> type[FlaskForm]:
    """The form with a field for each of the tenant's own, named name_of()."""
    return type(form.__name__, (form,), {name_of(field): _form_field(field) for field in fields})


def name_of(field: CustomField) -> str:
    return f"custom_{field.id}"


def shown_in_form(contact: Contact, fields: list[CustomField]) -> dict[str, str]:
    """The stored values as the form's fields take them."""
    return {name_of(field): contact.custom.get(str(field.id), "") for field in fields}


def values_of(form: FlaskForm, fields: list[CustomField]) -> dict[str, str]:
    """What a valid form says, as Contact.custom stores it."""
    typed = {str(field.id): form[name_of(field)].data for field in fields}
    return {key: str(value) for key, value in typed.items() if value not in {None, ""}}


def _form_field(field: CustomField) -> Field:
    if field.kind == FieldKind.DATE:
        return _Day(field.name, [Optional()])
    checks: list[Any] = [Length(max=_MAX_LENGTH), no_control_characters]
    if field.kind == FieldKind.NUMBER:
        checks.append(_is_number)
    return StringField(field.name, checks, filters=[stripped])


class _Day(DateField):
    def process_data(self, value: Any) -> None:
        """A stored day is text already; one that is none is left out."""
        self.data = None
        if value:
            try:
                super().process_formdata([value])
            except ValueError:
                self.data = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError("Enter a date, such as 2026-11-24.") from error


def _is_number(form: FlaskForm, field: Field) -> None:
    if not field.data:
        return
    try:
        number = Decimal(field.data.replace(",", ""))
    except InvalidOperation as error:
        raise ValidationError("Enter a number, such as 3.75.") from error
    if not number.is_finite() or len(field.data) > 40 or abs(number.adjusted()) > 40:
        raise ValidationError("Enter a number, such as 3.75.")
    field.data = f"{number:f}"
