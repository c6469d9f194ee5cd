"""What reports keep of a person: files that were made and are still kept, and searches for them that somebody
saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update

from cadence_app.consent.models import OptOutChange, PossibleOptOut
from cadence_app.contacts.mentions import IN_PLACE, looks_for, mentions, without
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message
from cadence_app.reports.kinds.status import OPT_OUT_STATUS
from cadence_app.reports.models import Export, ExportState
from cadence_app.reports.saved.models import SavedFilter
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.traces import Fate, Kept, Leaving, Traces, register

_SEARCH = "What a colleague looked for, without the person: it finds nobody any more."
_TABLES = (
    Kept(
        *(Export, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, ""),
        because="That somebody asked for a file. The file goes within minutes; what it had of the person is"
        " in the other tables of the download.",
    ),
    Kept(ExportSchedule, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, "", _SEARCH),
    Kept(SavedFilter, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, "", _SEARCH),
)
# The filters that hold what somebody typed.
_TYPED = ("contact", "words")


def _clear(leaving: Leaving) -> None:
    theirs = _without_namesakes(leaving)
    for table in (Export, ExportSchedule, SavedFilter):
        _forget_searches(table, theirs)
    _forget_names(theirs)
    _expire_files(leaving)


def _without_namesakes(leaving: Leaving) -> Leaving:
    """Them by names that nobody else has: a search for somebody else goes on."""
    name = func.trim(Contact.first_name + " " + Contact.last_name)
    others = select(name).where(
        name.in_(leaving.names), Contact.id.not_in(leaving.ids), Contact.gone_at.is_(None)
    )
    taken = set(db.session.scalars(others))
    return replace(leaving, names=[each for each in leaving.names if each not in taken])


def _forget_searches(table: Any, leaving: Leaving) -> None:
    typed = or_(*(table.filters.has_key(name) for name in _TYPED))
    for row in db.session.scalars(select(table).where(typed).order_by(table.id).with_for_update()):
        kept = {name: row.filters[name] for name in _TYPED if name in row.filters}
        if any(looks_for(leaving, each) for each in kept.values()):
            # Without a filter it would find everybody.
            row.filters = row.filters | dict.fromkeys(kept, IN_PLACE)
    db.session.flush()


def _forget_names(leaving: Leaving) -> None:
    for saved in db.session.scalars(select(SavedFilter).order_by(SavedFilter.id)):
        if mentions(leaving, saved.name):
            saved.name = f"{without(leaving, saved.name)} {saved.id}"
    db.session.flush()


def _expire_files(leaving: Leaving) -> None:
    """Ends the time of the files that have a row of them, whatever filters they were made with. One that is
    not sent everywhere yet is written anew."""
    unsent = Export.state == ExportState.MAILING
    db.session.execute(
        update(Export)
        .where(Export.file_key != "", _holds(leaving))
        .values(
            expires_at=func.least(Export.expires_at, func.now()),
            state=case((unsent, ExportState.QUEUED), else_=Export.state),
            attempts=case((unsent, 0), else_=Export.attempts),
        )
        .execution_options(synchronize_session=False)
    )


def _holds(leaving: Leaving) -> ColumnElement[bool]:
    """The condition on exports whose days, or changes, have something of them."""
    ids = leaving.ids
    of_days = [
        exists().where(column.in_(ids), at >= Export.starts_at, at < Export.ends_at)
        for column, at in (
            (OptOutChange.contact_id, OptOutChange.changed_at),
            (PossibleOptOut.contact_id, PossibleOptOut.received_at),
        )
    ]
    texts = exists().where(
        Message.conversation_id == Conversation.id,
        Conversation.contact_id.in_(ids),
        Message.created_at >= Export.starts_at,
        Message.created_at < Export.ends_at,
    )
    changes = exists().where(
        OptOutChange.contact_id.in_(ids),
        OptOutChange.id > Export.after_change_id,
        OptOutChange.id <= Export.up_to_change_id,
    )
    by_days = and_(Export.after_change_id.is_(None), or_(*of_days, texts))
    return or_(Export.kind == OPT_OUT_STATUS.key, by_days, changes)


register(Traces("reports", _TABLES, clear=_clear))
