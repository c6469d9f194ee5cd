"""What tests of exports do: ask for one, be its worker, read the mail and the file."""

from __future__ import annotations

import csv
import io
import mailbox
import subprocess
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from cadence_app.accounts.models import User
from cadence_app.consent import by_user as consent
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import jobs, service
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY, Kind
from cadence_app.reports.models import Export, Format
from cadence_app.reports.ranges import today
from tests.world import World

HEADER = ["FirstName", "LastName", "ContactId", "DepartmentCode", "MobileNumber", "Status", "StatusDate"]
EXTRA = tuple(column.name for column in OPT_OUT_HISTORY.extra)
NEW_YORK = ZoneInfo("America/New_York")
_EVERYTHING = Filters()


def ask_for(
    world: World,
    start: date | None = None,
    end: date | None = None,
    kind: Kind = OPT_OUT_HISTORY,
    filters: Filters = _EVERYTHING,
    extra: tuple[str, ...] = (),
    file_format: Format = Format.CSV,
) -> int:
    """The admin's request; without days, for yesterday and today."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        last = end or today(admin.tenant.zone)
        export, _ = service.request_export(
            admin, kind, start or last - timedelta(days=1), last, filters, extra, file_format
        )
        return export.id


def run(world: World, export_id: int) -> Export:
    """Does the worker's part in this process."""
    with world.app.app_context():
        jobs.run_export(world.tenant_id, export_id)
    return export_row(world, export_id)


def export_row(world: World, export_id: int) -> Export:
    with world.session():
        export = db.session.get_one(Export, export_id)
        db.session.expunge_all()
        return export


def mails_to(world: World) -> list[EmailMessage]:
    """The mails that reached the tenant's admin."""
    with world.session():
        address = db.session.get_one(User, world.admin_id).email
    box = mailbox.Maildir(world.app.config["MAIL_DIR"])
    mails = [message_from_bytes(box.get_bytes(key), policy=policy.default) for key in box.iterkeys()]
    return [mail for mail in mails if address in str(mail["To"])]


def mail_of(world: World, export: Export) -> EmailMessage:
    """The mail that brought this export."""
    start = f"<export-{world.tenant_id}-{export.id}-"
    return next(mail for mail in mails_to(world) if str(mail["Message-ID"]).startswith(start))


def attachment(mail: EmailMessage) -> bytes:
    (part,) = mail.iter_attachments()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def rows_of(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" not in content
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def change(world: World, contact_id: int, status: Status, source: Source, at: datetime) -> None:
    with world.session():
        record_change(Change(contact_id, world.team_id, status, source, at=at))
        db.session.commit()


def open_in_spreadsheet(source: Path, suffix: str) -> Path:
    """The file as LibreOffice reads it and writes it again in another format, beside it."""
    # Comma, double quote, UTF-8, from line 1, no column formats, quoted cells are text; and back, the same.
    reading = ["--infilter=CSV:44,34,76,1,,0,true"] if source.suffix == ".csv" else []
    profile = (source.parent / "profile").as_uri()
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation={profile}", *reading),
            *("--convert-to", suffix, "--outdir", str(source.parent), str(source)),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return source.with_suffix(f".{suffix}")


def cells_of(path: Path, columns: int) -> list[list[str]]:
    """The texts of a flat OpenDocument sheet's cells; a cell's paragraphs are its lines."""
    ns = {
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    }
    repeated = f"{{{ns['table']}}}number-columns-repeated"
    rows = []
    for row in ElementTree.parse(path).iterfind(".//table:table-row", ns):
        texts: list[str] = []
        for cell in row.findall("table:table-cell", ns):
            text = "\n".join("".join(part.itertext()) for part in cell.findall("text:p", ns))
            texts += [text] * min(int(cell.get(repeated, "1")), columns)
        if any(texts):
            rows.append(texts[:columns])
    return rows


def agent_changes(world: World, contact_id: int, status: Status, reason: str = "") -> None:
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        consent.set_by_user(agent, contact_id, world.team_id, status, reason)
        db.session.commit()
