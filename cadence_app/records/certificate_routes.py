"""The consent certificate of one contact, as a page and as a PDF."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts import downloads
from cadence_app.contacts.service import find_contact, kept_of
from cadence_app.records.certificate import Certificate, certify
from cadence_app.records.certificate_pdf import draw
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("certificates", __name__, url_prefix="/contacts/<int:contact_id>")


@blueprint.get("/certificate")
@login_required
def show(contact_id: int) -> ResponseReturnValue:
    kept_id = kept_of(contact_id)
    if kept_id != contact_id:
        return redirect(url_for("certificates.show", contact_id=kept_id))
    return render_template(
        "records/certificate.html",
        certificate=_certificate(contact_id),
        on_record=current_user.works_desk and find_contact(current_user, contact_id) is not None,
    )


@blueprint.get("/certificate.pdf")
@login_required
def pdf(contact_id: int) -> Response:
    certificate = _certificate(contact_id)
    downloads.note(current_user, "contact.certificate_downloaded", f"Contact {contact_id}")
    response = Response(draw(certificate, words_for(current_user)), mimetype="application/pdf")
    name = f"consent-certificate-{contact_id}-{certificate.produced_at:%Y-%m-%d}.pdf"
    response.headers.set("Content-Disposition", "inline", filename=name)
    return response


def _certificate(contact_id: int) -> Certificate:
    return certify(current_user, kept_of(contact_id)) or abort(404)
