"""The forms of webhooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import BooleanField, DateTimeLocalField, Field, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from cadence_app.accounts.models import Team
from cadence_app.consent.models import Source
from cadence_app.extensions import db
from cadence_app.form_fields import MultiCheckboxField, no_control_characters, stripped
from cadence_app.reports.filters import SOURCE_NAMES
from cadence_app.reports.forms import offered
from cadence_app.ui.navigation import words_for
from cadence_app.webhooks.destinations import problem_of
from cadence_app.webhooks.models import DeliveryState
from cadence_app.webhooks.service import Plan

STATE_NAMES = {
    DeliveryState.PENDING: "Waiting",
    DeliveryState.DELIVERED: "Delivered",
    DeliveryState.FAILED: "Failed",
}


class EndpointForm(FlaskForm):
    """An endpoint. Nothing ticked in a list means all of it."""

    url = StringField("Address", [DataRequired("Give the address that gets the events.")], filters=[stripped])
    description = StringField("Description", [Length(max=80), no_control_characters], filters=[stripped])
    sources = MultiCheckboxField("Only changes made by", [offered], default=list, validate_choice=False)
    teams = MultiCheckboxField("Only these teams", [offered], default=list, validate_choice=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._teams = {str(team.id): team for team in db.session.scalars(select(Team).order_by(Team.name))}
        self.teams.label.text = f"Only these {words_for(current_user).teams}"
        self.teams.choices = [SelectChoice(key, team.name) for key, team in self._teams.items()]
        self.sources.choices = [SelectChoice(str(source), name) for source, name in SOURCE_NAMES.items()]

    def validate_url(self, field: Field) -> None:
        if problem := problem_of(field.data):
            raise ValidationError(problem)

    @property
    def plan(self) -> Plan:
        """What a form that is valid says."""
        teams = [self._teams[key] for key in dict.fromkeys(self.teams.data or ())]
        sources = [Source(name) for name in dict.fromkeys(self.sources.data or ())]
        return Plan(self.url.data, self.description.data, sources, teams)


class RollForm(FlaskForm):
    at_once = BooleanField("The old secret has leaked: stop signing with it now")


class LogForm(FlaskForm):
    """What narrows the log; it lives in the address."""

    state = SelectField("State", [offered], default="", validate_choice=False)
    contact = StringField("Contact", [Length(max=200), no_control_characters], filters=[stripped])

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options, meta={"csrf": False})
        self.state.choices = [SelectChoice("", "Any")]
        self.state.choices += [SelectChoice(str(state), name) for state, name in STATE_NAMES.items()]


class ResendForm(FlaskForm):
    """`since` is a minute in the user's zone."""

    since = DateTimeLocalField("Failed since", [DataRequired("Choose a day and a time.")])

    @property
    def since_utc(self) -> datetime:
        local: datetime = self.since.data
        return local.replace(tzinfo=current_user.zone).astimezone(UTC)

    def validate_since(self, field: Field) -> None:
        if not 2000 <= field.data.year <= 2100:
            raise ValidationError("Choose a time of these years.")
