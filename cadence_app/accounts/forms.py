"""The forms of signing in and of one's own account."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    SubmitField,
    ValidationError,
)
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from cadence_app.accounts.models import User
from cadence_app.accounts.password_rules import HINT, MAX_PASSWORD, MIN_PASSWORD
from cadence_app.form_fields import no_control_characters, stripped

# Longer ones were allowed once.
_LONGEST_PASSWORD = 1000
_AREAS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


class SignInForm(FlaskForm):
    email = EmailField(
        "E-mail", [InputRequired("Enter your e-mail address."), Length(max=254), no_control_characters]
    )
    password = PasswordField(
        "Password", [InputRequired("Enter your password."), Length(max=_LONGEST_PASSWORD)]
    )
    submit = SubmitField("Sign in")


class EmailForm(FlaskForm):
    """An address alone: to be sent a link, or on to single sign-on."""

    email = EmailField(
        "E-mail", [InputRequired("Enter your e-mail address."), Length(max=254), no_control_characters]
    )


class CodeForm(FlaskForm):
    code = StringField("Code", [DataRequired("Enter the code."), Length(max=60), no_control_characters])


class CurrentPasswordForm(FlaskForm):
    """What only who knows the password may do, or who has none and was at the organisation's sign-in just now
    (requests.proof)."""

    current = PasswordField(
        "Your password", [InputRequired("Enter your password."), Length(max=_LONGEST_PASSWORD)]
    )

    def ask_password(self, user: User) -> None:
        """Leaves the field out for who has no password."""
        if not user.password_hash:
            del self.current


class NewPasswordForm(FlaskForm):
    password = PasswordField(
        "New password",
        [
            InputRequired("Choose a password."),
            Length(min=MIN_PASSWORD, message=f"Use at least {MIN_PASSWORD} characters."),
            Length(max=MAX_PASSWORD, message=f"Use at most {MAX_PASSWORD} characters."),
        ],
        description=HINT,
    )
    again = PasswordField(
        "The same again", [EqualTo("password", "The two are not the same. Type the password once more.")]
    )


class ChangePasswordForm(CurrentPasswordForm, NewPasswordForm):
    """The fields of both, the current password first."""


class NewAddressForm(EmailForm, CurrentPasswordForm):
    """Another e-mail address for who is signed in."""


class FirstCodeForm(CodeForm, CurrentPasswordForm):
    """The first code of a second factor."""


class AcceptForm(NewPasswordForm):
    name = StringField(
        "Your name",
        [DataRequired("Enter your name."), Length(max=200), no_control_characters],
        filters=[stripped],
    )


class ProfileForm(FlaskForm):
    """`time_zone` is empty for the organisation's."""

    name = StringField(
        "Name", [DataRequired("Enter your name."), Length(max=200), no_control_characters], filters=[stripped]
    )
    time_zone = SelectField("Time zone")
    shortcuts = BooleanField("Keyboard shortcuts at the desk")
    undo_seconds = RadioField(
        "Undo after Send",
        choices=[(0, "Send at once"), (5, "Wait 5 seconds"), (10, "Wait 10 seconds")],
        coerce=int,
    )

    def offer_zones(self, of_tenant: str, chosen: str) -> None:
        """`chosen` is offered although it may have an unusual name."""
        names = {name for name in available_timezones() if name.startswith(_AREAS)} | {"UTC"}
        names |= {chosen} if chosen else set()
        self.time_zone.choices = [("", f"As the organization ({of_tenant})")]
        self.time_zone.choices += [(name, name.replace("_", " ")) for name in sorted(names)]


def domains_in(text: str | None) -> list[str]:
    """Mail domains that are parted by commas, spaces or lines, each once."""
    return sorted({each.lower().lstrip("@") for each in (text or "").replace(",", " ").split()})


class SingleSignOnForm(FlaskForm):
    """`domains` are parted by commas, spaces or lines."""

    issuer = StringField(
        "Issuer",
        [DataRequired("Enter the issuer's address."), Length(max=500), no_control_characters],
        filters=[stripped],
    )
    client_id = StringField(
        "Client ID",
        [DataRequired("Enter the client ID."), Length(max=500), no_control_characters],
        filters=[stripped],
    )
    client_secret = PasswordField("Client secret", [Length(max=2000), no_control_characters])
    domains = StringField(
        "E-mail domains",
        [DataRequired("Enter at least one domain."), Length(max=1000), no_control_characters],
        filters=[stripped],
    )

    @property
    def domain_list(self) -> list[str]:
        return domains_in(self.domains.data)

    def validate_domains(self, field: Field) -> None:
        for domain in self.domain_list:
            labels = domain.split(".")
            fits = all(label and all(c.isalnum() or c == "-" for c in label) for label in labels)
            if len(labels) < 2 or not fits or not domain.isascii():
                raise ValidationError(f"{domain} is no domain. Write it as in college.example.")
