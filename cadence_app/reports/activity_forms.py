"""The filters of message activity, which stand in the page's address."""

from __future__ import annotations

from datetime import date

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, SelectField, StringField
from wtforms.validators import Optional, ValidationError

from cadence_app.accounts.models import Team
from cadence_app.form_fields import DayField
from cadence_app.reports.activity_periods import DEFAULT, PRESETS, Period
from cadence_app.reports.fields import check_first_day
from cadence_app.ui.navigation import Words

_MOST_DAYS = 731


class ActivityForm(FlaskForm):
    """A team and a period: `range` names a preset, or the two dates are whole days of the tenant's zone, or
    neither is given. Nothing here changes anything, so it needs no token."""

    class Meta:
        csrf = False

    team = SelectField(validate_choice=False)
    range = StringField()
    start_date = DayField("First day", [Optional()])
    end_date = DayField("Last day", [Optional()])

    def __init__(
        self, asked: MultiDict[str, str], teams: list[Team], words: Words, everything: str, today: date
    ) -> None:
        super().__init__(asked)
        self.teams, self.words, self.today = teams, words, today
        self.team.label.text = words.Team
        self.team.choices = [("", everything), *((str(team.id), team.name) for team in teams)]

    @property
    def chosen_teams(self) -> list[Team]:
        """The team asked for, or all that were offered; ask only after validate()."""
        return [team for team in self.teams if self.team.data in {str(team.id), "", None}]

    @property
    def period(self) -> Period:
        """The period asked for; ask only after validate()."""
        if self.start_date.data and self.end_date.data and not self.range.data:
            return Period(self.start_date.data, self.end_date.data)
        return PRESETS[self.range.data or DEFAULT][1](self.today)

    def validate_team(self, field: Field) -> None:
        if field.data not in {choice[0] for choice in self.team.choices} | {None}:
            raise ValidationError(f"Choose a {self.words.team} of the list.")

    def validate_range(self, field: Field) -> None:
        if field.data and field.data not in PRESETS:
            raise ValidationError("Choose one of these ranges, or enter the days below.")

    def validate_start_date(self, field: Field) -> None:
        check_first_day(field, self.today, "The first day is in the future.")

    def validate_end_date(self, field: Field) -> None:
        start = self.start_date.data
        if field.data is None:
            return
        if field.data > self.today:
            raise ValidationError("The last day is in the future.")
        if start and field.data < start:
            raise ValidationError("The last day is before the first day.")
        if start and Period(start, field.data).days > _MOST_DAYS:
            raise ValidationError("Choose at most two years.")

    def validate(self, extra_validators: dict[str, list[object]] | None = None) -> bool:
        """Also tells where one of the two days was left out."""
        if not super().validate(extra_validators):
            return False
        start, end = self.start_date, self.end_date
        if start.data and not end.data:
            end.errors = ["Enter the last day."]
        elif end.data and not start.data:
            start.errors = ["Enter the first day."]
        return not (start.errors or end.errors)
