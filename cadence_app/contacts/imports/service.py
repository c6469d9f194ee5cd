"""Imports as the screens ask for them: take a file, choose columns, check, start, cancel, look back."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import PurePath
from typing import IO

from flask import current_app
from sqlalchemy import and_, func, or_, select

from cadence_app import files
from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent.models import Consent
from cadence_app.contacts.imports import agreeing, choosing, mapping, reading, staging
from cadence_app.contacts.imports.mapping import Target
from cadence_app.contacts.imports.models import WORKING, Import, ImportContact, ImportState
from cadence_app.contacts.imports.reading import Options
from cadence_app.contacts.imports.refusal import Unreadable
from cadence_app.contacts.imports.refusals import Choice
from cadence_app.database_text import storable
from cadence_app.extensions import db
from cadence_app.work.queueing import Job

_PIECE = 256 * 1024
# Takes an import, by its tenant's id and its own, as far as it goes (jobs.py).
running = Job[[int, int]]("imports", seconds=12 * 3600)
# What one organization's files may take of the storage at a time (OWASP ASVS 4.0.3, 12.1.3): so many of the
# largest size, and so many of any.
_LARGEST_KEPT, _MOST_KEPT = 20, 500
# How many past imports a campaign can choose from.
_LISTS = 20


def take(user: User, file_name: str, file: IO[bytes]) -> Import:
    """Stores a file that somebody uploaded, asks the worker to open it, and commits. Errors: Unreadable for
    what is plainly of another sort, and where too many are kept already; then nothing is stored."""
    sort = reading.sort_of(file)
    _require_room()
    name = PurePath(storable(file_name).replace("\\", "/")).name[:200] or "file"
    key = f"imports/{user.tenant_id}/{uuid.uuid4().hex}.{sort}"
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    with files.writer(key) as stored:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            stored.write(piece)
    imported = Import(
        tenant_id=user.tenant_id,
        user_id=user.id,
        file_name=name,
        file_key=key,
        size=size,
        sha256=digest.hexdigest(),
        state=ImportState.OPENING,
        expires_at=func.now() + timedelta(days=current_app.config["IMPORT_KEEP_DAYS"]),
    )
    db.session.add(imported)
    db.session.commit()
    enqueue(imported)
    return imported


def _require_room() -> None:
    kept = select(func.count(), func.coalesce(func.sum(Import.size), 0)).where(Import.file_key != "")
    number, size = db.session.execute(kept).one()
    if number >= _MOST_KEPT or size >= _LARGEST_KEPT * current_app.config["IMPORT_MAX_BYTES"]:
        days = current_app.config["IMPORT_KEEP_DAYS"]
        raise Unreadable(
            f"{number} files of earlier imports are still kept, which is as much as there is room for. Cancel"
            f" those that wait, or try again later: a file goes {days} days after it came."
        )


def read_as(imported: Import, options: Options) -> bool:
    """Asks the worker to read a draft's file in another way and to suggest its columns anew, and commits. The
    header is found again, unless it is what is chosen. False as check()."""
    before = Options(**imported.options)
    find_header = options.header == before.header and options != before
    imported.asked = options.stored | {"find_header": find_header}
    _begin(imported, ImportState.OPENING)
    db.session.commit()
    return enqueue(imported)


def check(
    imported: Import,
    targets: Sequence[Target],
    default_teams: Sequence[int],
    code_teams: Mapping[str, int] | None = None,
) -> bool:
    """Takes the columns of a draft and the teams chosen for codes that none has, remembers both, and asks for
    the check. Commits; False where Redis is out of reach and the sweep starts it later."""
    imported.columns = [target.stored for target in targets]
    imported.default_teams = list(default_teams)
    imported.code_teams = dict(code_teams or {})
    mapping.remember(imported.headers, targets)
    mapping.remember_codes(imported.code_teams)
    _begin(imported, ImportState.CHECKING)
    db.session.commit()
    return enqueue(imported)


def add_area_code(imported: Import, area_code: str) -> bool:
    """Reads the seven-digit numbers of a checked import as ones of this area, or refuses them again where it
    is empty: asks for another check, and commits. False where Redis is out of reach: the sweep starts it."""
    if imported.state != ImportState.READY:
        return True
    imported.area_code = area_code
    _begin(imported, ImportState.CHECKING)
    db.session.commit()
    return enqueue(imported)


def back_to_columns(imported: Import) -> None:
    """Makes a checked import a draft again, and commits."""
    if imported.state == ImportState.READY and imported.preview:
        imported.state = ImportState.DRAFT
        db.session.commit()
    elif imported.state == ImportState.READY:
        read_as(imported, Options(**imported.options))


def read_hidden(imported: Import, hidden: bool) -> bool:
    """Reads a checked file again with the rows that its sheet hides, or without them. Commits; False as
    check()."""
    if imported.state != ImportState.READY:
        return True
    imported.options = replace(Options(**imported.options), hidden=hidden).stored
    _begin(imported, ImportState.CHECKING)
    db.session.commit()
    return enqueue(imported)


def choose(user: User, imported: Import, kind: str, choice: Choice | None, line: int | None) -> int:
    """Keeps what is to be done with refused rows (choosing.py), and commits. Before the import it is done
    with it, after it at once. Returns how many rows it is for."""
    db.session.refresh(imported, with_for_update=True)
    chosen = 0
    if imported.state in (ImportState.READY, ImportState.DONE):
        chosen = choosing.choose(user, imported, kind, choice, line)
    again = bool(chosen and choice) and imported.state == ImportState.DONE
    if again:
        imported.finished_at = None
        _begin(imported, ImportState.IMPORTING)
    db.session.commit()
    if again:
        enqueue(imported)
    return chosen


def start(
    user: User,
    imported: Import,
    lifts_stops: bool,
    stop_reason: str,
    opt_outs: int | None = None,
    agreed: Collection[int] = (),
    agreed_reason: str = "",
    statement: str = "",
    statement_on: date | None = None,
) -> bool:
    """Starts an import that was checked, once, and commits. With `lifts_stops` it opts in people who had
    stopped by their own text too, because of `stop_reason`; `agreed` are the lines of those with a number
    that was stopped before it was theirs who agreed themselves, as `agreed_reason` says; `opt_outs` is
    how many refused rows say opt out, as a person typed it where they are many. `statement` is how
    everybody agreed of whom the file does not say so itself, as the user signs it, with the day where
    they gave one. False where it is not ready, where that is not the number, or where its new field can't
    be made."""
    db.session.refresh(imported, with_for_update=True)
    mistyped = imported.types_opt_outs and opt_outs != imported.refused_opt_outs
    if imported.state != ImportState.READY or mistyped:
        db.session.rollback()
        return False
    targets = [Target(**each) for each in imported.columns]
    if taken := mapping.make_new_fields(targets):
        imported.state = ImportState.DRAFT
        imported.problem = f"There is a custom field named {', '.join(taken)} now. Choose it from the list."
        db.session.commit()
        return False
    imported.user_id = user.id
    imported.lifts_stops = lifts_stops and not imported.is_history
    imported.stop_reason = stop_reason if imported.lifts_stops else ""
    imported.statement, imported.statement_on = statement, statement_on if statement else None
    agreed_rows = agreeing.keep(imported, agreed, agreed_reason)
    imported.started_at = func.clock_timestamp()
    imported.applied_to = None
    _begin(imported, ImportState.IMPORTING)
    audit.record(
        user,
        "import.started",
        imported.file_name,
        rows=(None, imported.rows_total),
        sha256=(None, imported.sha256),
        area_code=(None, imported.area_code or None),
        refused_opt_outs=(None, imported.refused_opt_outs or None),
        new_fields=(None, [target.field_name for target in targets if target.new] or None),
    )
    if imported.lifts_stops:
        audit.record(user, "import.lifts_stops", imported.file_name, reason=(None, stop_reason))
    if agreed_rows:
        audit.record(
            user,
            "import.numbers_agreed",
            imported.file_name,
            rows=(None, agreed_rows),
            reason=(None, agreed_reason),
        )
    if statement:
        audit.record(
            user,
            "import.statement_signed",
            imported.file_name,
            statement=(None, statement),
            agreed_on=(None, imported.statement_on),
        )
    imported.rows_done = 0
    db.session.commit()
    enqueue(imported)
    return True


def cancel(user: User, imported: Import) -> None:
    """Ends an import, or asks the worker that is busy with it to, and commits. What it has applied stays."""
    db.session.refresh(imported, with_for_update=True)
    if imported.ended or imported.cancelled_at:
        db.session.rollback()
        return
    imported.cancelled_at = func.clock_timestamp()
    if imported.state == ImportState.IMPORTING:
        audit.record(user, "import.cancelled", imported.file_name)
    elif not imported.working:
        imported.state, imported.preview = ImportState.CANCELLED, {}
        # Nobody needs its file any more: the next sweep deletes it.
        imported.finished_at = imported.expires_at = func.clock_timestamp()
        staging.clear(imported.id)
    db.session.commit()


def resume(imported: Import) -> None:
    """Gives a failed import another start, from where it came, and commits."""
    if imported.state == ImportState.FAILED and imported.file_key:
        state = ImportState.IMPORTING if imported.started_at else ImportState.CHECKING
        state = state if imported.headers and not imported.asked else ImportState.OPENING
        imported.state, imported.attempts, imported.problem = state, 0, ""
        imported.finished_at = None
        imported.touched_at = func.now()
        db.session.commit()
        enqueue(imported)


def enqueue(imported: Import) -> bool:
    """Puts an import on the worker's queue, unless it waits there already. False where Redis is out of
    reach; the sweep puts it there later."""
    return running.put(f"import-{imported.id}", imported.tenant_id, imported.id)


def find(import_id: int) -> Import | None:
    """The tenant's import with this id."""
    return db.session.get(Import, import_id)


def latest(limit: int = 50) -> list[Import]:
    """The tenant's imports, newest first."""
    return list(db.session.scalars(select(Import).order_by(Import.id.desc()).limit(limit)))


def named_lists(user: User, also: Collection[int]) -> list[Import]:
    """The latest imports that named contacts whom a user may text, and also those with these ids, newest
    first."""
    named = select(ImportContact.contact_id).where(ImportContact.import_id == Import.id)
    if not user.is_admin:
        in_team = (
            Consent.contact_id == ImportContact.contact_id,
            Consent.team_id.in_(t.id for t in user.teams),
        )
        named = named.join(Consent, and_(*in_team))
    recent = select(Import.id).where(named.exists()).order_by(Import.id.desc()).limit(_LISTS)
    either = or_(Import.id.in_(recent), Import.id.in_(also))
    return list(db.session.scalars(select(Import).where(either).order_by(Import.id.desc())))


def waits_for_another(imported: Import) -> bool:
    """Whether another import of the tenant has the worker's turn."""
    if imported.state == ImportState.OPENING:
        return False
    other = select(Import.id).where(Import.state.in_(WORKING), Import.id != imported.id, Import.rows_done > 0)
    return imported.rows_done == 0 and db.session.scalar(other.limit(1)) is not None


def _begin(imported: Import, state: ImportState) -> None:
    imported.state, imported.attempts, imported.problem = state, 0, ""
    imported.touched_at = func.now()
