"""For how many years an organization keeps its contacts, and what is decided about each run. Every function
commits.

From when that is counted, and who is kept whatever their age, is removable_contacts() in the database
(docs/schema.sql has it as it is today, docs/retention.md in words); removal.py removes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select

from cadence_app.accounts import audit
from cadence_app.accounts.models import Role, Tenant, User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.retention.models import OPEN_STATES, Fate, RetentionItem, RetentionRun, RunState
from cadence_app.tenancy import tenant_in_use

PAGE = 50
# Between the mail that says what will go by itself, and that.
NOTICE = timedelta(days=14)


class Refused(ValueError):
    """Why a decision can't be taken; the text is for the admin."""


@dataclass(frozen=True)
class Totals:
    """How many contacts, and what there is of them."""

    contacts: int = 0
    conversations: int = 0
    texts: int = 0
    changes: int = 0


def keep(user: User, years: int | None) -> None:
    """Keeps contacts this many years after anything last happened to them, or (None) for good. Whatever was
    counted by another rule is dropped, and nothing runs by itself before somebody has looked at a dry run
    again. Errors: Refused while a removal is under way."""
    tenant, run = _held_tenant(), open_run()
    if tenant.retention_years == years:
        db.session.commit()
        return
    if run and run.state == RunState.REMOVING:
        db.session.commit()
        raise Refused("Contacts are being removed just now. Change this once that is done.")
    if run:
        run.state, run.finished_at = RunState.STOPPED, func.now()
        run.problem = "The years to keep were changed."
    before = tenant.retention_years, tenant.retention_monthly
    tenant.retention_years, tenant.retention_monthly = years, False
    audit.record(
        user,
        "retention.changed",
        "Years to keep contacts",
        years=(before[0], years),
        monthly=(before[1], False),
    )
    db.session.commit()


def set_monthly(user: User, monthly: bool) -> None:
    """Errors: Refused before a first removal by the rule in force was looked at and done."""
    tenant = _held_tenant()
    if monthly and not may_run_monthly(tenant):
        db.session.commit()
        raise Refused("First look at a dry run and remove what it lists, once.")
    if tenant.retention_monthly != monthly:
        audit.record(
            user, "retention.changed", "Monthly removal", monthly=(tenant.retention_monthly, monthly)
        )
        tenant.retention_monthly = monthly
    db.session.commit()


def may_run_monthly(tenant: Tenant) -> bool:
    """Whether an admin has removed what a dry run by the rule in force listed."""
    done = select(RetentionRun.id).where(
        RetentionRun.state == RunState.DONE,
        RetentionRun.approved_by_id.is_not(None),
        RetentionRun.years == tenant.retention_years,
    )
    return db.session.scalar(done.limit(1)) is not None


def request_dry_run(user: User | None) -> RetentionRun:
    """Records a dry run; `user` is None for a monthly one. One that is counted already and was not decided on
    is dropped for the new one. Errors: Refused where the tenant keeps everything, and while another works."""
    tenant = _held_tenant()
    if tenant.retention_years is None:
        db.session.commit()
        raise Refused("Everything is kept: there is nothing to count.")
    run = open_run()
    if run and (run.busy or user is None):
        db.session.commit()
        raise Refused("A run is under way.")
    if run:
        run.state, run.finished_at = RunState.STOPPED, func.now()
        run.problem = "A newer dry run took its place."
        db.session.flush()
    new = RetentionRun(
        tenant_id=tenant.id,
        years=tenant.retention_years,
        before=years_ago(datetime.now(UTC), tenant.retention_years),
        requested_by_id=user.id if user else None,
        automatic=user is None,
    )
    db.session.add(new)
    db.session.commit()
    return new


def approve(user: User, run: RetentionRun, contacts: int) -> None:
    """An admin's decision to remove what a dry run lists. `contacts` is the number that they typed. Errors:
    Refused."""
    _held_tenant()
    db.session.refresh(run, with_for_update=True)
    problem = ""
    if run.state not in (RunState.READY, RunState.WAITING):
        problem = "This dry run is not waiting for a decision any more."
    elif contacts != totals(run).contacts:
        problem = f"Type {totals(run).contacts}, the number of contacts that would be removed."
    if problem:
        db.session.commit()
        raise Refused(problem)
    run.state, run.touched_at = RunState.REMOVING, func.now()
    run.approved_by_id, run.approved_at = user.id, func.now()
    audit.record(user, "retention.approved", f"Dry run {run.id}", contacts=(None, contacts))
    db.session.commit()


def stop(user: User, run: RetentionRun) -> None:
    """Drops a run that removes nothing yet. Errors: Refused."""
    _held_tenant()
    db.session.refresh(run, with_for_update=True)
    if run.state not in (RunState.COUNTING, RunState.READY, RunState.WAITING):
        db.session.commit()
        raise Refused("It is too late to stop this run.")
    run.state, run.finished_at = RunState.STOPPED, func.now()
    run.problem = f"Stopped by {user.name}."
    audit.record(user, "retention.stopped", f"Run {run.id}")
    db.session.commit()


def open_run() -> RetentionRun | None:
    """The tenant's run that is not over."""
    query = select(RetentionRun).where(RetentionRun.state.in_(OPEN_STATES))
    return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def latest_runs(limit: int = 12) -> list[RetentionRun]:
    return list(db.session.scalars(select(RetentionRun).order_by(RetentionRun.id.desc()).limit(limit)))


def find_run(run_id: int) -> RetentionRun | None:
    return db.session.get(RetentionRun, run_id)


def totals(run: RetentionRun, fate: Fate | None = None) -> Totals:
    """What a run lists, or what became of it so."""
    query: Select[Any] = select(func.count(), *_sums()).where(RetentionItem.run_id == run.id)
    if fate:
        query = query.where(RetentionItem.fate == fate)
    return Totals(*(int(value) for value in db.session.execute(query).one()))


def by_year(run: RetentionRun, tenant: Tenant) -> list[tuple[int, Totals]]:
    """What a run lists by the year, in the tenant's zone, of the last text or change."""
    year = func.extract("year", func.timezone(tenant.time_zone, RetentionItem.last_at)).label("year")
    query: Select[Any] = select(year, func.count(), *_sums()).where(RetentionItem.run_id == run.id)
    rows = db.session.execute(query.group_by(year).order_by(year))
    return [(int(row[0]), Totals(*(int(value) for value in row[1:]))) for row in rows]


def listed(run: RetentionRun, after: int, limit: int = PAGE) -> list[Row[RetentionItem, Contact | None]]:
    """A run's contacts after a contact's id, in the order of the ids, each with what is still known of
    them."""
    query = (
        select(RetentionItem, Contact)
        .outerjoin(Contact, Contact.id == RetentionItem.contact_id)
        .where(RetentionItem.run_id == run.id, RetentionItem.contact_id > after)
        .order_by(RetentionItem.contact_id)
        .limit(limit)
    )
    return list(db.session.execute(query).all())


def admins() -> list[User]:
    query = select(User).where(User.role == Role.ADMIN, User.active).order_by(User.id)
    return list(db.session.scalars(query))


def years_ago(moment: datetime, years: int) -> datetime:
    """The same day and time so many years before; of 29 February, in a year that has none, the day before."""
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:
        return moment.replace(year=moment.year - years, day=28)


def _sums() -> list[ColumnElement[Any]]:
    columns = (RetentionItem.conversations, RetentionItem.texts, RetentionItem.changes)
    return [func.coalesce(func.sum(column), 0) for column in columns]


def _held_tenant() -> Tenant:
    """The tenant, held: decisions about its runs wait for each other."""
    return db.session.get_one(Tenant, tenant_in_use(), with_for_update=True, populate_existing=True)
