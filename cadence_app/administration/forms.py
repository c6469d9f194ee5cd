"""The forms of the settings pages. Lists of choices that depend on the tenant are filled in by the routes."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, SecondFactorPolicy
from cadence_app.contacts.models import FieldKind
from cadence_app.contacts.number_field import NumberField
from cadence_app.form_fields import DayField, MultiCheckboxField, no_control_characters, stripped
from cadence_app.messaging.auto_replies import MAX_AUTO_REPLY
from cadence_app.reports.forms import offered
from cadence_app.ui.navigation import Words

ZONES = sorted(available_timezones())


def _name(label: str, missing: str) -> StringField:
    rules = [InputRequired(missing), Length(max=100), no_control_characters]
    return StringField(label, rules, filters=[stripped])


class NameForm(FlaskForm):
    name = _name("Name", "Enter a name.")


class TeamForm(NameForm):
    code = StringField(
        "Code", [InputRequired("Enter a code."), Length(max=100), no_control_characters], filters=[stripped]
    )


class MembersForm(FlaskForm):
    members = MultiCheckboxField("Members", [offered], coerce=int, validate_choice=False)


class TextsForm(FlaskForm):
    """What a team answers by itself; an empty field is the default."""

    opt_out = TextAreaField(
        "After an opt out", [Length(max=MAX_AUTO_REPLY), no_control_characters], filters=[stripped]
    )
    opt_in = TextAreaField(
        "After an opt in", [Length(max=MAX_AUTO_REPLY), no_control_characters], filters=[stripped]
    )
    help_text = TextAreaField(
        "After HELP", [Length(max=MAX_AUTO_REPLY), no_control_characters], filters=[stripped]
    )


class InboxForm(NameForm):
    """`number` holds E.164 once the form is valid. `owner` is empty for a shared inbox."""

    number = NumberField("Number", [InputRequired("Enter a number.")])
    team = SelectField("Team", coerce=int)
    owner = SelectField("Whose", [offered], default="", validate_choice=False)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.team.label.text = words.Team


class OwnerForm(FlaskForm):
    owner = SelectField("New owner", coerce=int)


class BasicsForm(NameForm):
    time_zone = SelectField("Time zone", choices=ZONES)


class PolicyForm(FlaskForm):
    """`seen` is set by the page that shows what the change would mean."""

    keyword_policy = RadioField("An opt-out word counts for")
    begins = DayField("From", [Optional()])
    possible = RadioField(
        "A text that only reads like an opt out",
        choices=[
            SelectChoice(
                str(PossibleOptOutPolicy.HOLD), "Holds automated texts until somebody decides (recommended)"
            ),
            SelectChoice(str(PossibleOptOutPolicy.OPT_OUT), "Opts the contact out by itself"),
        ],
    )
    ask_team_only = BooleanField()
    seen = HiddenField()

    def __init__(self, words: Words, **options: object) -> None:
        super().__init__(**options)
        self.keyword_policy.choices = [
            SelectChoice(str(KeywordPolicy.TEAM), f"The {words.team} it was sent to"),
            SelectChoice(str(KeywordPolicy.ORGANISATION), f"Every {words.team} of the organization"),
        ]
        self.ask_team_only.label.text = f"Ask whether only the one {words.team} was meant"


class SigningInForm(FlaskForm):
    second_factor = RadioField(
        "A second factor is asked of",
        choices=[
            SelectChoice(str(SecondFactorPolicy.OPTIONAL), "Nobody: each user chooses"),
            SelectChoice(str(SecondFactorPolicy.ADMINS), "Admins"),
            SelectChoice(str(SecondFactorPolicy.EVERYBODY), "Everybody"),
        ],
    )


class NoticesForm(FlaskForm):
    notices_name = BooleanField("Let notices and e-mails to colleagues say who texted and what")


class CustomFieldForm(NameForm):
    kind = SelectField(
        "Holds", choices=[SelectChoice(str(kind), str(kind).capitalize()) for kind in FieldKind]
    )


class AuditForm(FlaskForm):
    """The filters of the audit log, in the page's address. Nothing here changes anything."""

    class Meta:
        csrf = False

    start = DayField("From", [Optional()])
    end = DayField("To", [Optional()])
    who = SelectField("Who", [offered], default="", validate_choice=False)
    what = SelectField("What", [offered], default="", validate_choice=False)
    submit = SubmitField("Show")

    def validate_end(self, field: Field) -> None:
        if field.data and self.start.data and field.data < self.start.data:
            raise ValidationError("The last day is before the first day.")
