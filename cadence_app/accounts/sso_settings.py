"""Settings > Single sign-on."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import BooleanField, Field, RadioField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import Length, ValidationError

from cadence_app.accounts import issuers, single_sign_on
from cadence_app.accounts.forms import SingleSignOnForm, domains_in
from cadence_app.accounts.oidc import Failed
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.sign_in_models import SingleSignOn
from cadence_app.accounts.single_sign_on import DomainTaken, Settings
from cadence_app.accounts.sso_routes import callback_url
from cadence_app.extensions import limiter
from cadence_app.form_fields import no_control_characters, stripped
from cadence_app.outbound import gate
from cadence_app.outbound.gate import Refused
from cadence_app.outbound.policy import Kind
from cadence_app.vault import Unreadable

SAID, CONFIRMED = "said", "confirmed"

blueprint = Blueprint("single_sign_on_settings", __name__)


class _Form(SingleSignOnForm):
    """`speaks_for` are domains parted as in `domains`, which count where `addresses` is CONFIRMED."""

    addresses = RadioField(
        "Whose word counts that an e-mail address is a person's",
        default=SAID,
        choices=[
            SelectChoice(SAID, "The provider's, for each person (email_verified, or Microsoft's xms_edov)"),
            SelectChoice(CONFIRMED, "Mine: the provider speaks for my organization's domains"),
        ],
    )
    speaks_for = StringField(
        "Domains it speaks for", [Length(max=1000), no_control_characters], filters=[stripped]
    )
    passwords_allowed = BooleanField("Passwords still sign in too")
    creates_users = BooleanField("Whoever the provider lets in becomes a user")

    @property
    def confirmed(self) -> list[str]:
        if self.addresses.data != CONFIRMED:
            return []
        return domains_in(self.speaks_for.data)

    def validate_domains(self, field: Field) -> None:
        """One's own provider could confirm any address of a domain, so one where anybody has mail is no
        organization's unless an operator gave it."""
        super().validate_domains(field)
        for domain in issuers.anybodys(self.domain_list):
            if domain not in single_sign_on.domains():
                raise ValidationError(f"Anybody can have an address of {domain}, so it is no organization's.")

    def validate_speaks_for(self, field: Field) -> None:
        """What would let strangers in is told here, each with its reason."""
        if self.addresses.data != CONFIRMED:
            return
        if not self.confirmed:
            raise ValidationError("Enter the domains, one by one, that you confirm.")
        for domain in self.confirmed:
            if domain not in self.domain_list:
                raise ValidationError(f"{domain} is not among the e-mail domains above.")
        for domain in issuers.anybodys(self.confirmed):
            raise ValidationError(f"Anybody can have an address of {domain}, so nobody speaks for it.")
        if not issuers.belongs_to_one(self.issuer.data or ""):
            raise ValidationError(
                "This issuer signs in people of other organizations too, so it can't speak for domains."
            )

    def validate_issuer(self, field: Field) -> None:
        if problem := issuers.problem_of(field.data or ""):
            raise ValidationError(problem)


@blueprint.route("/settings/single-sign-on", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    found = single_sign_on.of_tenant()
    form = _Form(data=_shown(found))
    if form.validate_on_submit() and _fits(form, found):
        settings = Settings(
            issuer=form.issuer.data,
            client_id=form.client_id.data,
            secret=form.client_secret.data or None,
            domains=form.domain_list,
            passwords_allowed=form.passwords_allowed.data,
            creates_users=form.creates_users.data,
            speaks_for=form.confirmed,
        )
        moved = found is not None and found.issuer != settings.issuer
        try:
            single_sign_on.save(current_user, settings)
        except DomainTaken as taken:
            form.domains.errors = [
                f"Another organization here uses {taken}. Whoever runs this Cadence can allow it."
            ]
        else:
            flash("Single sign-on is saved. Test it before you tell anybody.", "success")
            if moved and form.confirmed:
                flash(
                    "The issuer is another one now, so confirm again which domains it speaks for.", "warning"
                )
            return redirect(url_for("single_sign_on_settings.index"))
    page = render_template(
        "settings/single_sign_on.html",
        form=form,
        found=found,
        callback_url=callback_url(),
        confirmed=single_sign_on.confirmations(),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/settings/single-sign-on/test")
@admin_required
@limiter.limit("20 per minute")
def test() -> ResponseReturnValue:
    """Asks the provider for what it says of itself, and for its keys."""
    found = single_sign_on.of_tenant()
    if found:
        try:
            single_sign_on.client(found).test()
        except (Failed, Unreadable) as failure:
            flash(f"The test failed. {failure}", "error")
        else:
            flash("The provider answers as it must. Sign in through it to try the rest.", "success")
    return redirect(url_for("single_sign_on_settings.index"))


@blueprint.post("/settings/single-sign-on/remove")
@admin_required
def remove() -> ResponseReturnValue:
    single_sign_on.remove(current_user)
    flash("Single sign-on is off. Everybody signs in with a password.", "success")
    return redirect(url_for("single_sign_on_settings.index"))


def _shown(found: SingleSignOn | None) -> dict[str, object]:
    if found is None:
        return {"passwords_allowed": True}
    spoken_for = single_sign_on.spoken_for()
    return {
        "addresses": CONFIRMED if spoken_for else SAID,
        "speaks_for": ", ".join(spoken_for),
        "issuer": found.issuer,
        "client_id": found.client_id,
        "domains": ", ".join(single_sign_on.domains()),
        "passwords_allowed": found.passwords_allowed,
        "creates_users": found.creates_users,
    }


def _fits(form: SingleSignOnForm, found: SingleSignOn | None) -> bool:
    """What only the stored settings and this installation's can tell; what is wrong is said at its field."""
    try:
        gate.target_of(Kind.SINGLE_SIGN_ON, form.issuer.data)
    except Refused as refusal:
        form.issuer.errors = [str(refusal)]
    if form.client_secret.data:
        return not form.issuer.errors
    if found is None:
        form.client_secret.errors = ["Enter the client secret."]
    elif found.issuer != form.issuer.data:
        # Or an admin could have the secret sent to a server of their own.
        form.client_secret.errors = ["Another issuer needs its own secret. Enter it."]
    return not (form.issuer.errors or form.client_secret.errors)
