"""Messages > For me: what colleagues did that is for who is signed in. The same page in both modes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.extensions import db
from cadence_app.messaging import for_me
from cadence_app.ui import query_values

blueprint = Blueprint("for_me", __name__, url_prefix="/messages/for-me")


@blueprint.get("/")
@desk_required
def index() -> str:
    number = query_values.page(request.args)
    page = for_me.page_of(current_user, number)
    return render_template(
        "messaging/for_me.html", page=page, page_number=number, unseen=for_me.unseen_count(current_user)
    )


@blueprint.post("/seen")
@desk_required
def saw_all() -> ResponseReturnValue:
    """`through` is the newest item on the page: what came after it is not seen by this."""
    through = query_values.row_id(request.form, "through")
    if through and for_me.saw_all(current_user, through):
        db.session.commit()
        flash("All of it is marked seen.", "success")
    return redirect(url_for("for_me.index"))
