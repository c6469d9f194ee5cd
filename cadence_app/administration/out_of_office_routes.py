"""Settings > Inboxes > an inbox > Out of office."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    RadioField,
    SelectField,
    TextAreaField,
    TimeField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from cadence_app.accounts.roles import admin_required
from cadence_app.administration import inboxes
from cadence_app.administration.forms import ZONES
from cadence_app.administration.inboxes_routes import blueprint
from cadence_app.extensions import db
from cadence_app.form_fields import no_control_characters, one_kind_of_line_end, stripped
from cadence_app.inboxes import office_hours, out_of_office
from cadence_app.inboxes.models import AwayMode, Inbox, OutOfOffice
from cadence_app.inboxes.out_of_office import Setting
from cadence_app.messaging.out_of_office import LONGEST, default_text


class _ClockField(TimeField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
            raise ValueError("Enter a time, such as 8:00 AM.") from None


class DayForm(Form):
    """The hours of one weekday; without its tick nobody is there, whatever the times say."""

    staffed = BooleanField()
    first = _ClockField("From", [Optional()])
    until = _ClockField("To", [Optional()])

    def hours(self) -> office_hours.Span | None:
        """Errors: ValidationError, in words for the day's field."""
        if not self.staffed.data:
            return None
        first, until = self.first.data, self.until.data
        if first is None or until is None:
            raise ValidationError("Enter both times, such as 8:00 AM and 5:00 PM.")
        try:
            return office_hours.span(first, until)
        except ValueError as error:
            raise ValidationError(
                "The second time must be later than the first. For midnight enter 12:00 AM."
            ) from error


class AwayForm(FlaskForm):
    """`week` is what the days say, once the form is valid."""

    mode = RadioField("Out of office")
    body = TextAreaField(
        "What it answers",
        [
            Length(max=LONGEST, message=f"It may be {LONGEST} characters long at most."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )
    days = FieldList(FormField(DayForm), min_entries=7, max_entries=7)
    zone = SelectField("Time zone of these hours", choices=ZONES)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.week: list[office_hours.Span | None] = []
        self.mode.choices = [
            SelectChoice(str(AwayMode.OFF), "Off"),
            SelectChoice(str(AwayMode.ON), "On, until somebody turns it off"),
            SelectChoice(str(AwayMode.HOURS), "Outside of office hours"),
        ]
        for day, name in zip(self.days, office_hours.DAYS, strict=True):
            day.form.staffed.label.text = name

    def validate_body(self, field: TextAreaField) -> None:
        if self.mode.data != AwayMode.OFF and not field.data:
            raise ValidationError("Write what is answered.")

    def validate_days(self, field: FieldList) -> None:
        """Fills `week`. While it does not go by hours, a day that is not right is one without hours."""
        by_hours = self.mode.data == AwayMode.HOURS
        for day in field:
            try:
                self.week.append(day.form.hours())
            except ValidationError as error:
                self.week.append(None)
                if by_hours:
                    day.form.staffed.errors = [str(error)]
        if by_hours and not any(self.week) and not any(day.form.staffed.errors for day in field):
            raise ValidationError("Check the days on which somebody is there, or choose On.")

    def validate(self, extra_validators: Any = None) -> bool:
        # The days' own errors of a time that is none count only where it goes by hours.
        valid = super().validate(extra_validators)
        wrong = any(day.form.staffed.errors for day in self.days)
        others = [name for name in self.errors if name != "days"]
        if self.mode.data != AwayMode.HOURS:
            return not others
        return bool(valid and not wrong)


@blueprint.route("/<int:inbox_id>/out-of-office", methods=["GET", "POST"])
@admin_required
def away(inbox_id: int) -> ResponseReturnValue:
    inbox = inboxes.find_inbox(inbox_id) or abort(404)
    kept = out_of_office.of(inbox)
    form = AwayForm(data=_shown(inbox, kept))
    if form.validate_on_submit():
        setting = Setting(AwayMode(form.mode.data), form.body.data, tuple(form.week), form.zone.data)
        out_of_office.choose(current_user, inbox, setting)
        db.session.commit()
        flash(_said(inbox), "success")
        return redirect(url_for("inboxes.show", inbox_id=inbox.id))
    page = render_template(
        "administration/out_of_office.html", inbox=inbox, form=form, kept=kept, max_length=LONGEST
    )
    return page, 422 if form.is_submitted() else 200


def _shown(inbox: Inbox, kept: OutOfOffice | None) -> dict[str, Any]:
    week = office_hours.read(kept.hours) if kept else out_of_office.USUAL
    return {
        "mode": str(kept.mode if kept else AwayMode.OFF),
        "body": kept.body if kept else default_text(inbox.team.tenant.name, inbox.team.name),
        "days": [_day(hours) for hours in week],
        "zone": kept.time_zone if kept else inbox.team.tenant.time_zone,
    }


def _day(hours: office_hours.Span | None) -> dict[str, Any]:
    if hours is None:
        return {"staffed": False, "first": None, "until": None}
    first, until = office_hours.times(hours)
    return {"staffed": True, "first": first, "until": until}


def _said(inbox: Inbox) -> str:
    kept = out_of_office.of(inbox)
    if kept is None or kept.mode == AwayMode.OFF:
        return f"{inbox.name} answers nothing by itself but keywords."
    if out_of_office.away(kept):
        return f"Saved. {inbox.name} is out of office now."
    return f"Saved. {inbox.name} will answer by itself once its office hours are over."
