"""The pages of accounts with carriers, for admins."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.messaging import providers
from cadence_app.messaging.carriers import accounts, gaps
from cadence_app.messaging.carriers.forms import account_form
from cadence_app.messaging.carriers.jobs import ask_soon
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.of_inbox import driver_of
from cadence_app.messaging.carriers.scopes import teams_sharing
from cadence_app.messaging.providers.base import KeywordAnswers

blueprint = Blueprint("carriers", __name__, url_prefix="/settings/carriers")


@blueprint.get("/")
@admin_required
def index() -> str:
    return render_template(
        "messaging/carriers/index.html",
        accounts=[
            (
                account,
                driver_of(account),
                accounts.carried_by(account),
                teams_sharing(account),
                gaps.standing(account),
            )
            for account in accounts.all_accounts()
        ],
        carriers=providers.carriers(),
    )


@blueprint.route("/new/<carrier>", methods=["GET", "POST"])
@admin_required
def new(carrier: str) -> ResponseReturnValue:
    if carrier not in {each.code for each in providers.carriers()}:
        abort(404)
    return _form_page(accounts.add_account(current_user, carrier), new=True)


@blueprint.route("/<int:account_id>", methods=["GET", "POST"])
@admin_required
def edit(account_id: int) -> ResponseReturnValue:
    return _form_page(accounts.find_account(account_id) or abort(404), new=False)


@blueprint.post("/<int:account_id>/gaps")
@admin_required
def release(account_id: int) -> ResponseReturnValue:
    """Nothing waits any more for what may not have come in."""
    account = accounts.find_account(account_id) or abort(404)
    gaps.release(current_user, account)
    flash("Noted. Nothing waits for these hours any more.", "success")
    return redirect(url_for("carriers.edit", account_id=account_id))


def _form_page(account: CarrierAccount, new: bool) -> ResponseReturnValue:
    driver = driver_of(account)
    inboxes = {str(inbox.id): inbox for inbox in accounts.all_inboxes()}
    form = account_form(driver, list(inboxes.values()), new, data=_at_first(account, new))
    if form.validate_on_submit():
        values = {field.name: form[f"value_{field.name}"].data or "" for field in driver.fields}
        chosen = [inboxes[inbox_id] for inbox_id in form.inboxes.data or ()]
        try:
            accounts.set_account(
                current_user, account, form.name.data, KeywordAnswers(form.answers.data), values, chosen
            )
        except accounts.NameTaken:
            form.name.errors = ["There is an account of this name. Choose another."]
        else:
            ask_soon(account)
            flash(f"{account.name} is saved.", "success")
            return redirect(url_for("carriers.edit", account_id=account.id))
    page = render_template(
        "messaging/carriers/form.html",
        form=form,
        carrier=driver,
        new=new,
        account_id=account.id,
        title=f"New {driver.name} account" if new else account.name,
        self_managed=accounts.self_managed_numbers(account),
        webhook_url=None if new else accounts.webhook_url(account),
        inbound=None if new else gaps.standing(account),
    )
    return page, 422 if form.is_submitted() else 200


def _at_first(account: CarrierAccount, new: bool) -> dict[str, Any] | None:
    if request.method == "POST":
        return None
    if new:
        return {"name": driver_of(account).name}
    shown = {f"value_{name}": value for name, value in account.settings.items()}
    return shown | {
        "name": account.name,
        "answers": account.keyword_answers,
        "inboxes": [str(inbox.id) for inbox in accounts.carried_by(account)],
    }
