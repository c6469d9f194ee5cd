from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SubmitField, TextAreaField
from wtforms.validators import DataRequired, Length

from cadence_app.messaging.sending import MAX_BODY_LENGTH
from cadence_app.ui.fields import no_control_characters, stripped


class ComposeForm(FlaskForm):
    body = TextAreaField(
        "Text",
        [
            DataRequired("Write something first."),
            Length(max=MAX_BODY_LENGTH, message=f"A text may be {MAX_BODY_LENGTH} characters long at most."),
            no_control_characters,
        ],
        filters=[stripped],
    )
    submit = SubmitField("Send")
