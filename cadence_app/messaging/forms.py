from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SubmitField, TextAreaField
from wtforms.validators import InputRequired, Length

from cadence_app.contacts.forms import no_control_characters
from cadence_app.messaging.sending import MAX_BODY_LENGTH


class ComposeForm(FlaskForm):
    body = TextAreaField(
        "Text",
        [
            InputRequired("Write something first."),
            Length(max=MAX_BODY_LENGTH, message=f"A text may be {MAX_BODY_LENGTH} characters long at most."),
            no_control_characters,
        ],
    )
    submit = SubmitField("Send")
