"""The mail that brings an export: text and HTML, with the file or a link to it."""

from __future__ import annotations

import smtplib
import zipfile
from io import BytesIO

from flask import current_app, render_template
from flask_mail import Message

from cadence_app import files
from cadence_app.accounts.models import User
from cadence_app.consent import seals
from cadence_app.mails import smtp
from cadence_app.reports.filters import Filters, describe
from cadence_app.reports.forms import FILTER_FIELDS
from cadence_app.reports.kinds import KINDS
from cadence_app.reports.models import Delivery, Export, Format
from cadence_app.ui.navigation import report_page, words_for

# A mail server answers 552 or 554 (and some 523, 534) to a message over its limit: RFC 5321, RFC 4954.
_TOO_LARGE = {523, 534, 552, 554}
# Base64 turns 3 bytes into 4 and adds a line end to each 76: a mail is 37 % larger than its file.
_ENCODED = 78 / 76 * 4 / 3
# A history file shrinks to about a tenth. One this much over the limit is not worth the packing.
_ZIP_WORTH = 12


def send(export: Export, user: User) -> Delivery:
    """Mails the finished file to a user, and says how it went: attached as it is or as .zip, or as a link. A
    mail server that finds it too large gets the link. Errors: OSError and SMTPException."""
    delivery, attachment = _attachment(export)
    try:
        _deliver(export, user, delivery, attachment)
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as refusal:
        if delivery == Delivery.LINK or refusal.smtp_code not in _TOO_LARGE:
            raise
        delivery = Delivery.LINK
        _deliver(export, user, delivery, None)
    return delivery


def download_url(export: Export) -> str:
    """The link in the mail; it asks for sign-in as an admin of the tenant."""
    return f"{current_app.config['PUBLIC_URL']}/exports/{export.id}/download"


def left_out_url(export: Export, user: User) -> str:
    """What the file left out, on the screens of a user."""
    kind = KINDS[export.kind]
    filters = kind.left_out(Filters.from_stored(export.filters)) or Filters()
    asked = {FILTER_FIELDS.get(name, name): value for name, value in filters.stored.items()}
    days = {"start_date": export.start_date, "end_date": export.end_date}
    path = current_app.url_map.bind("").build(report_page(user).endpoint, {**asked, **days})
    return f"{current_app.config['PUBLIC_URL']}{path}#changes"


def _attachment(export: Export) -> tuple[Delivery, bytes | None]:
    limit: int = current_app.config["MAIL_ATTACHMENT_LIMIT"]
    size = export.size or 0
    if size * _ENCODED <= limit:
        return Delivery(export.format), files.read(export.file_key)
    # A workbook is packed already.
    if export.format == Format.CSV and size * _ENCODED <= limit * _ZIP_WORTH:
        packed = BytesIO()
        with (
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(export.file_name, "w", force_zip64=True) as entry,
        ):
            for chunk in files.chunks(export.file_key):
                entry.write(chunk)
        if packed.tell() * _ENCODED <= limit:
            return Delivery.ZIP, packed.getvalue()
    return Delivery.LINK, None


def _deliver(export: Export, user: User, delivery: Delivery, attachment: bytes | None) -> None:
    kind = KINDS[export.kind]
    message = Message(
        subject=f"{kind.title}: {export.start_date} to {export.end_date} ({user.tenant.name})",
        recipients=[(user.name, user.email)],
    )
    message.msgId = smtp.message_id(
        message, f"export-{export.tenant_id}-{export.id}-{export.sha256[:16]}-{user.id}"
    )
    context = {
        "export": export,
        "kind": kind,
        "user": user,
        "schedules_url": f"{current_app.config['PUBLIC_URL']}/reports/schedules/",
        "filters": describe(Filters.from_stored(export.filters), words_for(user)),
        "left_out_url": left_out_url(export, user) if export.left_out else "",
        "delivery": delivery,
        "download_url": download_url(export),
        "seal": seals.head(),
        "link_days": current_app.config["EXPORT_LINK_DAYS"],
    }
    message.body = render_template("reports/mail/export.txt", **context)
    message.html = render_template("reports/mail/export.html", **context)
    if attachment is not None and delivery == Delivery.ZIP:
        message.attach(export.file_name.removesuffix(".csv") + ".zip", "application/zip", attachment)
    elif attachment is not None:
        message.attach(export.file_name, export.format.mimetype, attachment)
    smtp.deliver(message)
