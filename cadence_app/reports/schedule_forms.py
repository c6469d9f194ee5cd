"""The form of a schedule: what, when and for whom."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from wtforms import RadioField, SelectField
from wtforms.fields import SelectChoice

from cadence_app.accounts.models import Role, User
from cadence_app.extensions import db
from cadence_app.form_fields import MultiCheckboxField
from cadence_app.reports.destinations.service import chosen
from cadence_app.reports.forms import (
    FILTER_FIELDS,
    FileForm,
    destination_choices,
    offered,
)
from cadence_app.reports.kinds import Kind
from cadence_app.reports.models import Format
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedule_runs import Plan
from cadence_app.reports.schedules import PERIOD_NAMES, WEEKDAYS, Every, Period, Timing
from cadence_app.ui.formatting import hour_name


def _one_of(field: type[RadioField], label: str, names: dict[str, str], default: str) -> RadioField:
    choices = [SelectChoice(value, name) for value, name in names.items()]
    return field(label, [offered], choices=choices, default=default, validate_choice=False)


class ScheduleForm(FileForm):
    """All is chosen from lists. The weekday counts for a weekly schedule only, the day for a monthly one."""

    period = _one_of(RadioField, "What it holds", {}, Period.DAY)
    every = _one_of(
        RadioField,
        "How often",
        {Every.DAY: "Every day", Every.WEEK: "Every week", Every.MONTH: "Every month"},
        Every.DAY,
    )
    weekday = _one_of(SelectField, "Weekday", {str(n): name for n, name in enumerate(WEEKDAYS)}, "0")
    month_day = _one_of(SelectField, "Day of the month", {str(n): str(n) for n in range(1, 32)}, "1")
    hour = _one_of(SelectField, "Hour", {str(n): hour_name(n) for n in range(24)}, "6")
    recipients = MultiCheckboxField("Send it to", [offered], default=list, validate_choice=False)
    destinations = MultiCheckboxField("Deliver it to", [offered], default=list, validate_choice=False)

    def __init__(self, kind: Kind, *args: Any, **options: Any) -> None:
        super().__init__(kind, *args, **options)
        self.period.choices = [SelectChoice(str(period), PERIOD_NAMES[period]) for period in periods_of(kind)]
        if not kind.dated:
            del self["period"]
        admins = (
            select(User)
            .where(User.role == Role.ADMIN, User.active, User.invited_at.is_(None))
            .order_by(User.name, User.id)
        )
        self._admins = {str(user.id): user for user in db.session.scalars(admins)}
        self.recipients.choices = [
            SelectChoice(user_id, f"{user.name} ({user.email})") for user_id, user in self._admins.items()
        ]

        self.destinations.choices = destination_choices()

    def validate(self, extra_validators: dict[str, list[object]] | None = None) -> bool:
        """Also asks for a way to go."""
        fine = super().validate(extra_validators)
        if not self.recipients.data and not self.destinations.data:
            more = " or a destination" if self.destinations.choices else ""
            self.recipients.errors = [f"Choose at least one admin{more}."]
            return False
        return bool(fine)

    @property
    def plan(self) -> Plan:
        """What a form that is valid says."""
        timing = Timing(
            Every(self.every.data),
            int(self.weekday.data),
            int(self.month_day.data),
            int(self.hour.data),
        )
        return Plan(
            filters=self.asked_filters,
            extra=self.asked_columns,
            file_format=Format(self.format.data),
            period=Period(self.period.data) if "period" in self else Period.NOW,
            timing=timing,
            recipients=[self._admins[user_id] for user_id in self.recipients.data or ()],
            destinations=chosen([int(value) for value in self.destinations.data or ()]),
        )


def periods_of(kind: Kind) -> list[Period]:
    """What the files of a kind can be about."""
    if not kind.dated:
        return [Period.NOW]
    whole = [Period.DAY, Period.WEEK, Period.MONTH]
    return whole if kind.change_id is None else [*whole, Period.CHANGED]


def as_data(schedule: ExportSchedule) -> dict[str, Any]:
    """A schedule as the fields of its form show it."""
    filters = {FILTER_FIELDS.get(name, name): str(value) for name, value in schedule.filters.items()}
    return filters | {
        "columns": schedule.extra_columns,
        "format": schedule.format,
        "period": schedule.period,
        "every": schedule.every,
        "weekday": str(schedule.weekday),
        "month_day": str(schedule.month_day),
        "hour": str(schedule.hour),
        "recipients": [str(user.id) for user in schedule.recipients],
        "destinations": [str(each.id) for each in schedule.destinations],
    }
