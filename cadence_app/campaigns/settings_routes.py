"""Settings > Texting: in which hours campaigns may text, and how fast each shared inbox sends."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import Field, SelectField
from wtforms.validators import InputRequired, NumberRange, ValidationError

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team
from cadence_app.accounts.roles import admin_required
from cadence_app.extensions import db
from cadence_app.form_fields import WholeNumberField
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.ui.formatting import hour_name

blueprint = Blueprint("campaign_settings", __name__, url_prefix="/settings/campaigns")

_FASTEST = 100


class HoursForm(FlaskForm):
    texts_from = SelectField("From", coerce=int, choices=[(hour, hour_name(hour)) for hour in range(24)])
    texts_until = SelectField("Until", coerce=int, choices=[(hour, hour_name(hour)) for hour in range(1, 25)])

    def validate_texts_until(self, field: Field) -> None:
        if self.texts_from.data is not None and field.data <= self.texts_from.data:
            raise ValidationError("This must be later than the first hour.")


class SpeedForm(FlaskForm):
    """One for each inbox, told apart by the fields' prefix; the hours' form carries the token."""

    class Meta:
        csrf = False

    texts_per_second = WholeNumberField(
        "Texts a second",
        [
            InputRequired("Enter a whole number."),
            NumberRange(1, _FASTEST, message=f"Enter a number from 1 to {_FASTEST}."),
        ],
    )


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def edit() -> ResponseReturnValue:
    tenant, inboxes = current_user.tenant, _inboxes()
    form = HoursForm(obj=tenant)
    speeds = [(box, SpeedForm(prefix=f"inbox{box.id}-", obj=box)) for box in inboxes]
    # Each is asked, so that each says what is wrong with it.
    valid = [speed.validate() for _, speed in speeds] if form.is_submitted() else []
    if form.validate_on_submit() and all(valid):
        audit.record(
            current_user,
            "campaigns.hours_changed",
            tenant.name,
            texts_from=(tenant.texts_from, form.texts_from.data),
            texts_until=(tenant.texts_until, form.texts_until.data),
        )
        form.populate_obj(tenant)
        for box, speed in speeds:
            before = box.texts_per_second
            speed.populate_obj(box)
            if before != box.texts_per_second:
                audit.record(
                    current_user,
                    "inbox.speed_changed",
                    box.name,
                    texts_per_second=(before, box.texts_per_second),
                )
        db.session.commit()
        flash("Saved. Campaigns under way go by it from now on.", "success")
        return redirect(url_for("campaign_settings.edit"))
    page = render_template("campaigns/settings.html", form=form, speeds=speeds, fastest=_FASTEST)
    return page, 422 if form.is_submitted() else 200


def _inboxes() -> list[Inbox]:
    query = select(Inbox).join(Inbox.team).where(Inbox.kind == InboxKind.SHARED)
    return list(db.session.scalars(query.options(joinedload(Inbox.team)).order_by(Team.name, Inbox.name)))
