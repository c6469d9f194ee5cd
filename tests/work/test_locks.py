"""Advisory locks have one home, and none lasts longer than a transaction."""

from __future__ import annotations

import re

from cadence_app.work.locks import Pair
from tests.conftest import ROOT

_HOMES = {
    "cadence_app/work/locks.py",
    # Of days, which the database names itself, and before there is an application.
    "cadence_app/consent/seals.py",
    "cadence_app/database_roles.py",
}


def test_advisory_locks_are_taken_where_they_are_named_and_to_the_end_of_a_transaction() -> None:
    found = {
        str(path.relative_to(ROOT)): set(re.findall(r"pg_(?:try_)?advisory_\w+", path.read_text()))
        for path in (ROOT / "cadence_app").rglob("*.py")
    }
    taken = {path: names for path, names in found.items() if names}
    assert set(taken) == _HOMES
    assert all("xact" in name for names in taken.values() for name in names)


def test_no_two_uses_share_a_number_and_history_has_its_own() -> None:
    assert len({int(each) for each in Pair}) == len(Pair)
    assert max(Pair) < 1000
