from __future__ import annotations

from typing import Any

from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import Field, SubmitField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length

from cadence_app.form_fields import LaterField, no_control_characters, one_kind_of_line_end, stripped
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.service import Refused, Upload, check_together, upload_of
from cadence_app.messaging.notes import MAX_LENGTH
from cadence_app.messaging.sending import MAX_BODY_LENGTH


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
    files = MultipleFileField("Files")
    submit = SubmitField("Send")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.uploads: list[Upload] = []

    def validate_files(self, field: Field) -> None:
        """Fills `uploads`."""
        given = [each for each in field.data or [] if getattr(each, "filename", "")]
        try:
            # No more is read of each than shows that it is too large.
            self.uploads = [upload_of(each.filename, each.read(kinds.MAX_SENT_BYTES + 1)) for each in given]
            check_together(self.uploads)
        except Refused as refusal:
            raise ValidationError(str(refusal)) from refusal


class LaterForm(ComposeForm):
    """A text for a later time, by the user's clock; `send_at.instant` is in UTC once the form is valid."""

    send_at = LaterField("Send at")

    def validate_files(self, field: Field) -> None:
        super().validate_files(field)
        if self.uploads:
            raise ValidationError("A text for a later time can't have files. Send it now, or take them out.")

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
