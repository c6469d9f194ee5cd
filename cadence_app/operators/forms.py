from __future__ import annotations

from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, StringField, SubmitField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from cadence_app.form_fields import no_control_characters, stripped
from cadence_app.ui.navigation import SCREENS


class SignInForm(FlaskForm):
    email = EmailField(
        "E-mail", [InputRequired("Enter your e-mail address."), Length(max=254), no_control_characters]
    )
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=1000)])


class NameForm(FlaskForm):
    name = StringField(
        "Name", [InputRequired("Enter a name."), Length(max=200), no_control_characters], filters=[stripped]
    )


class TenantForm(NameForm):
    screens = SelectField(
        "Screens", choices=[SelectChoice(str(mode), name) for mode, name in SCREENS.items()]
    )
    time_zone = SelectField("Time zone", choices=sorted(available_timezones()), default="America/New_York")
    submit = SubmitField("Make tenant")
