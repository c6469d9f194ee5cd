"""Every place that speaks of what decided a change knows all of the sources."""

from __future__ import annotations

from typing import get_args

import pytest

from cadence_app.accounts.models import Team
from cadence_app.api.fields import SourceName
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import CARRIED_SOURCES, REPORTED_SOURCES, OptOutChange, Source, Status
from cadence_app.extensions import db
from cadence_app.records.certificate import Entry
from cadence_app.reports.filters import SOURCE_NAMES
from tests.world import World


def _change(world: World, source: Source) -> OptOutChange:
    contact_id = world.add_contact()
    with world.session():
        record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, source, world.agent_id))
        db.session.commit()
    return world.history(contact_id)[0]


def test_the_names_and_the_api_have_all_of_them() -> None:
    assert set(SOURCE_NAMES) == set(get_args(SourceName)) == set(Source)
    assert len(set(SOURCE_NAMES.values())) == len(Source)


def test_what_the_report_holds_and_what_it_tells_of_are_apart() -> None:
    apart = {Source.IMPORT, Source.API}
    assert set(Source) == {*REPORTED_SOURCES, *CARRIED_SOURCES, *apart}
    assert len(Source) == len(REPORTED_SOURCES) + len(CARRIED_SOURCES) + len(apart)


@pytest.mark.parametrize("source", list(Source))
def test_the_history_takes_each_and_screens_and_certificate_say_it_in_words(
    world: World, source: Source
) -> None:
    change = _change(world, source)
    assert change.source == source
    with world.app.app_context():
        words = world.app.jinja_env.get_template("consent/_words.html").module
        said = str(words.source_words(change)).strip()  # type: ignore[attr-defined]
    entry = Entry(
        change=change, team=Team(name="Admissions"), words="", digest=b"", sealed_digest=None, seal=None
    )
    for text in (said, entry.source):
        assert text
        assert "_" not in text
    by_hand = {Source.TOGGLE, Source.MANUAL_ADD, Source.IMPORT, Source.API, *CARRIED_SOURCES}
    assert ("Agent Person" in said) == ("Agent Person" in entry.source) == (source in by_hand)
