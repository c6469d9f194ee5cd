"""What a form shows and says of each errand. Three pages have it: deactivating, a user's own, left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cadence_app.accounts.models import User
from cadence_app.api.forms import SCOPE_LABELS
from cadence_app.standing.service import Choices, Errand

END = "end"


def context(errands: Sequence[Errand], heirs: Sequence[User]) -> dict[str, Any]:
    """What standing/_choices.html shows."""
    return {"errands": errands, "errand_heirs": heirs, "scope_labels": SCOPE_LABELS}


def chosen(errands: Sequence[Errand], heirs: Sequence[User], form: Mapping[str, str]) -> Choices:
    """The choices that a form makes: an admin of the list, or None to end it; a field that says neither is
    left out."""
    known = {str(heir.id): heir for heir in heirs}
    choices: dict[str, User | None] = {}
    for errand in errands:
        said = form.get(errand.field, "")
        if said == END:
            choices[errand.field] = None
        elif said in known:
            choices[errand.field] = known[said]
    return choices
