"""What the text fields of every area's forms share."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, SelectMultipleField, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget


class MultiCheckboxField(SelectMultipleField):
    """Any number of choices, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def stripped(value: str | None) -> str:
    return (value or "").strip()


def no_control_characters(form: FlaskForm, field: Field) -> None:
    """PostgreSQL stores no NUL in a text."""
    if "\x00" in (field.data or ""):
        raise ValidationError("This has a character that can't be stored.")
