"""The forms of a file: the filters its kind takes and what the file is; and days, for an export at once."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import Field, RadioField, SelectField, StringField, SubmitField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from cadence_app.accounts.models import Team, User
from cadence_app.extensions import db
from cadence_app.form_fields import DayField, MultiCheckboxField, no_control_characters, stripped
from cadence_app.reports.destinations.service import all_destinations
from cadence_app.reports.fields import check_first_day
from cadence_app.reports.filters import SOURCE_FILTERS, STATUS_NAMES, Filters
from cadence_app.reports.kinds import Kind
from cadence_app.reports.models import Format
from cadence_app.reports.ranges import LATEST, today
from cadence_app.ui.navigation import words_for

# Where a filter's field has another name than the filter.
FILTER_FIELDS = {"team_id": "team", "user_id": "user"}


def offered(form: FlaskForm, field: Field) -> None:
    chosen = field.data if isinstance(field.data, list) else [field.data]
    if not set(chosen) <= {value for value, *_ in field.iter_choices()}:
        raise ValidationError("Choose from the list.")


def _choice(label: str) -> SelectField:
    """One of a list, or (empty) any."""
    return SelectField(label, [offered], default="", validate_choice=False)


def destination_choices() -> list[SelectChoice]:
    """The tenant's destinations, to tick; one that is paused says so."""
    return [
        SelectChoice(str(each.id), f"{each.name} (paused)" if each.paused_at else each.name)
        for each in all_destinations()
    ]


class FileForm(FlaskForm):
    """The filters of a kind, and what the file is; the fields that the kind has no use for are left out."""

    team = _choice("Team")
    source = _choice("Source")
    status = _choice("Status")
    user = _choice("User")
    contact = StringField("Contact", [Length(max=200), no_control_characters], filters=[stripped])
    words = StringField("Words", [Length(max=200), no_control_characters], filters=[stripped])
    columns = MultiCheckboxField("Extra columns", [offered], default=list, validate_choice=False)
    format = RadioField(
        "Format",
        [offered],
        default=Format.CSV,
        choices=[SelectChoice(str(Format.CSV), "CSV"), SelectChoice(str(Format.XLSX), "Excel (XLSX)")],
        validate_choice=False,
    )

    def __init__(self, kind: Kind, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.team.label.text = words_for(current_user).Team
        self.filter_names = [FILTER_FIELDS.get(name, name) for name in kind.filters]
        unused = {"team", "source", "status", "user", "contact", "words"}.difference(self.filter_names)
        if not kind.extra:
            unused.add("columns")
        for name in unused:
            del self[name]
        self._offer(kind)

    def _offer(self, kind: Kind) -> None:
        teams = db.session.scalars(select(Team).order_by(Team.name))
        users = db.session.scalars(select(User).order_by(User.name))
        choices = {
            "team": [SelectChoice(str(team.id), team.name) for team in teams],
            "user": [SelectChoice(str(user.id), user.name) for user in users],
            "source": [SelectChoice(str(source), name) for source, name in SOURCE_FILTERS.items()],
            "status": [SelectChoice(str(status), name) for status, name in STATUS_NAMES.items()],
        }
        for name, offered in choices.items():
            if name in self:
                self[name].choices = [SelectChoice("", "Any"), *offered]
        if "columns" in self:
            self.columns.choices = [SelectChoice(each.name, each.label) for each in kind.extra]

    @property
    def asked_filters(self) -> Filters:
        """The filters of a form that is valid."""

        def value(name: str) -> str:
            return self[name].data or "" if name in self else ""

        return Filters(
            team_id=int(value("team") or 0) or None,
            source=value("source"),
            status=value("status"),
            user_id=int(value("user") or 0) or None,
            contact=value("contact"),
            words=value("words"),
        )

    @property
    def asked_columns(self) -> list[str]:
        return list(self.columns.data or ()) if "columns" in self else []


class ExportForm(FileForm):
    """Whole days in the tenant's time zone, both included, where the kind has days."""

    start_date = DayField("First day", [InputRequired("Enter the first day.")])
    end_date = DayField("Last day", [InputRequired("Enter the last day.")])
    submit = SubmitField("Request Export")

    destinations = MultiCheckboxField("Deliver it to", [offered], default=list, validate_choice=False)

    def __init__(self, kind: Kind, *args: Any, **options: Any) -> None:
        super().__init__(kind, *args, **options)
        if not kind.dated:
            del self["start_date"], self["end_date"]
        self.destinations.choices = destination_choices()

    @property
    def asked_destinations(self) -> list[int]:
        """The ids of the destinations of a form that is valid."""
        return [int(value) for value in self.destinations.data or ()]

    @property
    def asked_days(self) -> tuple[date, date]:
        """First and last day of a form that is valid; today for a kind that has none."""
        day = today(current_user.tenant.zone)
        if "start_date" not in self:
            return day, day
        return self.start_date.data or day, self.end_date.data or day

    def validate_start_date(self, field: Field) -> None:
        too_late = "The first day is in the future; there is nothing to export yet."
        check_first_day(field, today(current_user.tenant.zone), too_late)

    def validate_end_date(self, field: Field) -> None:
        start = self.start_date.data
        if field.data is None:
            return
        if start and field.data < start:
            raise ValidationError("The last day is before the first day.")
        if field.data > LATEST:
            raise ValidationError("The last day is after the year 2099.")
