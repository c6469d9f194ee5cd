from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectField, StringField, SubmitField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from cadence_app.contacts.agreed_form import AgreedForm, words_field
from cadence_app.contacts.names import folded
from cadence_app.contacts.number_field import NumberField
from cadence_app.form_fields import no_control_characters, stripped


class EditContactForm(FlaskForm):
    first_name = StringField(
        "First name", [Length(max=200), no_control_characters], filters=[folded, stripped]
    )
    last_name = StringField("Last name", [Length(max=200), no_control_characters], filters=[folded, stripped])
    external_id = StringField(
        "ContactId", [Length(max=200), no_control_characters], filters=[folded, stripped]
    )
    submit = SubmitField("Save")


class AddContactForm(EditContactForm, AgreedForm):
    """`number` holds E.164 once the form is valid; `team_id` the choices the route gives it."""

    number = NumberField("Mobile number", [InputRequired("Enter a mobile number.")])
    team_id = SelectField("Team", coerce=int)


class NumberForm(AgreedForm):
    """`number` holds E.164 once the form is valid; `use` is `texted` or `further`. The words say how they
    agreed to texts at this number, and are the reason of the opt ins: a way counts only with them."""

    words_alone = True

    number = NumberField("Number", [InputRequired("Enter a mobile number.")])
    use = RadioField(
        "What it is for",
        choices=[
            ("texted", "Text them at this number from now on"),
            ("further", "A further number of theirs"),
        ],
        default="texted",
    )
    reason = StringField(
        "Why",
        [DataRequired("Write how you know of it."), Length(max=500), no_control_characters],
        filters=[stripped],
    )
    words = words_field("What they read, signed or said", 1000, name="given")

    def validate_words(self, field: Field) -> None:
        if self.method.data and not field.data:
            raise ValidationError("Write how they agreed to texts at this number.")

    def validate_use(self, field: Field) -> None:
        if field.data == "further" and (self.method.data or self.words.data):
            raise ValidationError(
                "Nothing is sent to a further number. Leave out how they agreed, or have them texted at it."
            )


class EraseForm(FlaskForm):
    reason = StringField(
        "Legal reason",
        [DataRequired("Write the legal reason."), Length(max=300), no_control_characters],
        filters=[stripped],
    )
