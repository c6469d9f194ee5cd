from __future__ import annotations

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, SubmitField, TextAreaField
from wtforms.validators import DataRequired, Length

from cadence_app.messaging.notes import MAX_LENGTH
from cadence_app.messaging.sending import MAX_BODY_LENGTH
from cadence_app.ui.fields import LaterField, no_control_characters, one_kind_of_line_end, stripped


class ComposeForm(FlaskForm):
    body = TextAreaField(
        "Text",
        [
            DataRequired("Write something first."),
            Length(max=MAX_BODY_LENGTH, message=f"A text may be {MAX_BODY_LENGTH} characters long at most."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )
    submit = SubmitField("Send")


class LaterForm(ComposeForm):
    """A text for a later time, by the user's clock; `send_at.instant` is in UTC once the form is valid."""

    send_at = LaterField("Send at")

    def validate_send_at(self, field: Field) -> None:
        self.send_at.check(current_user.zone)


class NoteForm(FlaskForm):
    note = TextAreaField(
        "Note",
        [
            DataRequired("Write something first."),
            Length(max=MAX_LENGTH, message=f"A note may be {MAX_LENGTH} characters long at most."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )
