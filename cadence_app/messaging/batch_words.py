"""What the desk says after a user has done something with conversations, beside Undo."""

from __future__ import annotations

from flask_login import current_user

from cadence_app.contacts.models import Tag
from cadence_app.extensions import db
from cadence_app.messaging import bulk
from cadence_app.messaging.bulk import Undone
from cadence_app.messaging.desk_models import Action, Batch, StateChange
from cadence_app.ui.formatting import in_zone

_EXPLAINED = (
    "Done, by the key e. It is out of Needs a reply and opens again as soon as they write. "
    "To mark a conversation unread, press u."
)


def of(batch: Batch, *, explain: bool = False) -> str:
    """A sentence or two: what was done, to how many, and what was left out and why."""
    count = bulk.count_of(batch)
    many = "" if count == 1 else f"{count:,} conversations: "
    match batch.action:
        case Action.DONE:
            said = _EXPLAINED if explain and count == 1 else f"{count:,} done." if many else "Done."
        case Action.SNOOZE:
            said = f"Snoozed until {_until(batch)}."
        case Action.REOPEN:
            said = f"{count:,} open again." if many else "Open again."
        case Action.READ:
            said = f"{count:,} marked read." if many else "Marked read."
        case Action.ASSIGN:
            whose = batch.assignee.name if batch.assignee else "nobody"
            said = f"{many}{'a' if many else 'A'}ssigned to {whose}."
        case Action.TAG:
            tag = db.session.get(Tag, batch.tag_id or 0)
            said = f"{many}{'t' if many else 'T'}agged {tag.name if tag else ''}."
    return " ".join([said, *_left(batch)])


def undone(outcome: Undone) -> str:
    """What Undo says."""
    if not outcome.left:
        return "Undone." if outcome.put_back == 1 else f"Undone: {outcome.put_back:,} are as they were."
    left = f"{outcome.left:,} left as {'it is' if outcome.left == 1 else 'they are'}"
    return f"{outcome.put_back:,} put back; {left}: something has happened there since."


def _left(batch: Batch) -> list[str]:
    said = []
    if batch.left_out and batch.action == Action.DONE:
        one = batch.left_out == 1
        said.append(f"{batch.left_out:,} left: possible opt out{'' if one else 's'} to decide.")
    elif batch.left_out:
        said.append(f"{batch.left_out:,} left: they can't be theirs.")
    if batch.newer:
        said.append(f"{batch.newer:,} left: a new text came in.")
    return said


def _until(batch: Batch) -> str:
    item = next(iter(bulk.items_of(batch)), None)
    change = db.session.get(StateChange, item.change_id) if item and item.change_id else None
    return in_zone(change.until, current_user.zone) if change and change.until else "later"
