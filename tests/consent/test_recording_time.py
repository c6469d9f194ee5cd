"""A stop is never refused by a seal: with the clock set back, it is recorded after the newest one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.models import User
from cadence_app.consent import ledger, possible, recording_time, seals
from cadence_app.consent.by_user import consent_of, set_by_user
from cadence_app.consent.first_status import add_by_user
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import OptOutChange, Source
from cadence_app.consent.recording_time import Moment
from cadence_app.consent.seals import retirements
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.tenancy import set_tenant
from tests.api.conftest import make_api
from tests.consent.history import add_seal, check, flip, put_the_clock_back, seal
from tests.consent.test_independent_proof import check_files, make_files
from tests.contacts.importing import csv_of, run
from tests.records.people import IN, OUT, erase, merge, opt, text_at
from tests.world import World, new_number

TICK = timedelta(microseconds=1)
SAID = re.compile(
    r"(?:.+ )?Recorded at (?P<at>[-0-9]{10} [:0-9]{8}) UTC because the server's clock stood at"
    r" (?P<clock>[-0-9]{10} [:0-9]{8}) UTC, behind the newest seal\."
)


def _is_recorded_after_the_seal(row: OptOutChange, at: datetime) -> None:
    assert row.changed_at == at
    said = SAID.fullmatch(row.reason)
    assert said, row.reason
    assert said["at"] == f"{at:%Y-%m-%d %H:%M:%S}"
    clock = datetime.strptime(said["clock"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - clock) < timedelta(minutes=5)


def _known(world: World) -> tuple[int, str]:
    """Somebody who is opted in, and their number."""
    number = new_number()
    contact_id = world.add_contact(number, external_id=f"S{number}")
    opt(world, contact_id, IN)
    return contact_id, number


def _texts_stop(world: World, contact_id: int, number: str) -> None:
    world.text(number, "STOP")


def _texts_stop_to_a_personal_inbox(world: World, contact_id: int, number: str) -> None:
    world.text(number, "STOPALL", world.personal)


def _is_toggled(world: World, contact_id: int, number: str) -> None:
    with world.session():
        set_by_user(db.session.get_one(User, world.agent_id), contact_id, world.team_id, OUT)
        db.session.commit()


def _is_imported(world: World, contact_id: int, number: str) -> None:
    assert run(world, csv_of(("", "", "", number, "ADM", "yes"))).statuses_changed == 1


def _is_moved_by_an_import(world: World, contact_id: int, number: str) -> None:
    done = run(world, csv_of(("", "", f"S{number}", new_number(), "ADM", "")))
    assert done.statuses_changed == 1


def _is_changed_by_the_api(world: World, contact_id: int, number: str) -> None:
    assert make_api(world).set(contact_id, OUT, "Asked at the desk.").status_code == 200


def _is_changed_by_the_api_in_bulk(world: World, contact_id: int, number: str) -> None:
    records = [{"number": number, "team": "ADM", "status": OUT}]
    answer = make_api(world).post("/consents/bulk", json={"records": records})
    assert answer.get_json()["changed"] == 1


def _is_merged(world: World, contact_id: int, number: str) -> None:
    other = world.add_contact()
    opt(world, other, OUT)
    merge(world, contact_id, other)


def _gets_another_number(world: World, contact_id: int, number: str) -> None:
    text_at(world, contact_id, new_number())


@pytest.mark.parametrize(
    "way",
    [
        _texts_stop,
        _texts_stop_to_a_personal_inbox,
        _is_toggled,
        _is_imported,
        _is_moved_by_an_import,
        _is_changed_by_the_api,
        _is_changed_by_the_api_in_bulk,
        _is_merged,
        _gets_another_number,
    ],
)
def test_an_opt_out_with_the_clock_behind_the_newest_seal_comes_after_it_and_says_so(
    world: World, owner: Engine, way: Callable[[World, int, str], None]
) -> None:
    contact_id, number = _known(world)
    at = put_the_clock_back(world, owner)
    way(world, contact_id, number)
    assert world.status(contact_id) == OUT
    _, row = world.history(contact_id)
    _is_recorded_after_the_seal(row, at)
    with world.session():
        stored = consent_of(contact_id, world.team_id)
        assert stored
        assert (stored.since, stored.change_id) == (at, row.id)


@pytest.mark.parametrize("words", ["STOP", "Hello, is this the college?"])
def test_a_first_text_comes_after_it_too(world: World, owner: Engine, words: str) -> None:
    at, number = put_the_clock_back(world, owner), new_number()
    world.text(number, words)
    (row,) = world.history(world.contact_id(number))
    _is_recorded_after_the_seal(row, at)
    assert row.status == (OUT if words == "STOP" else IN)


def test_people_added_by_hand_and_by_a_file_come_after_it_too(world: World, owner: Engine) -> None:
    at, numbers = put_the_clock_back(world, owner), [new_number(), new_number()]
    added = world.add_contact()
    with world.session():
        add_by_user(db.session.get_one(User, world.agent_id), added, world.team_id)
        db.session.commit()
    run(world, csv_of(("A", "B", "", numbers[0], "ADM", "no"), ("C", "D", "", numbers[1], "ADM", "yes")))
    for contact_id in (added, *map(world.contact_id, numbers)):
        (row,) = world.history(contact_id)
        _is_recorded_after_the_seal(row, at)


def test_changes_one_after_the_other_keep_their_order_behind_the_seal(world: World, owner: Engine) -> None:
    contact_id, number = _known(world)
    at = put_the_clock_back(world, owner)
    _texts_stop(world, contact_id, number)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        set_by_user(agent, contact_id, world.team_id, IN, "They signed a form.")
        db.session.commit()
    _is_imported(world, contact_id, number)
    _, *rows = world.history(contact_id)
    assert [row.status for row in rows] == [OUT, IN, OUT]
    for turn, row in enumerate(rows):
        _is_recorded_after_the_seal(row, at + turn * TICK)
    assert rows[1].reason.startswith("They signed a form. Recorded at ")


def test_a_stop_of_who_is_opted_out_already_and_a_possible_one_are_kept(world: World, owner: Engine) -> None:
    (one, number), (other, second) = _known(world), _known(world)
    opt(world, one, OUT)
    put_the_clock_back(world, owner)
    world.text(number, "STOP")
    world.text(second, "please stop texting me")
    with world.session():
        stored = consent_of(one, world.team_id)
        assert stored
        assert stored.stopped_at
        assert possible.open_flag(other, world.team_id)


def test_a_status_that_is_newer_than_the_clock_can_be_changed(world: World) -> None:
    contact_id, ahead = world.add_contact(), datetime.now(UTC) + timedelta(days=2)
    with world.session():
        record_change(Change(contact_id, world.team_id, IN, Source.IMPORT, at=ahead))
        db.session.commit()
    _is_toggled(world, contact_id, "")
    row = world.history(contact_id)[-1]
    assert (row.status, row.changed_at, row.reason) == (OUT, ahead + TICK, "")


def test_with_the_clock_right_nothing_is_said(world: World) -> None:
    contact_id, _ = _known(world)
    flip(world, world.add_contact(), 3)
    seal(world)
    opt(world, contact_id, OUT)
    row = world.history(contact_id)[-1]
    assert row.reason == ""
    assert datetime.now(UTC) - row.changed_at < timedelta(minutes=5)
    assert check(world).intact


def test_a_stop_that_waits_while_its_own_day_is_sealed_comes_after_that_seal(
    world: World, owner: Engine
) -> None:
    contact_id, number = _known(world)
    day = datetime.now(UTC).date()
    with owner.connect() as sealer:
        sealer.execute(_HOLD, {"tenant": world.tenant_id, "day": day})
        writer = threading.Thread(target=_texts_stop, args=(world, contact_id, number))
        writer.start()
        writer.join(0.5)
        assert writer.is_alive()
        add_seal(sealer, world, day)
        sealer.commit()
        writer.join(30)
    _, row = world.history(contact_id)
    _is_recorded_after_the_seal(row, datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC))


@pytest.mark.parametrize("way", [_texts_stop, _is_imported])
@pytest.mark.parametrize("ahead", [0, 3], ids=["the clock is right", "the clock is behind"])
def test_no_seal_comes_between_the_moment_of_a_change_and_its_row(
    world: World,
    owner: Engine,
    monkeypatch: pytest.MonkeyPatch,
    ahead: int,
    way: Callable[[World, int, str], None],
) -> None:
    contact_id, number = _known(world)
    if ahead:
        put_the_clock_back(world, owner, ahead)
    sealed: list[bool] = []

    def then_somebody_seals(clock: datetime, at: datetime) -> Moment:
        moment = Moment(clock, at)
        with world.app.app_context(), db.engine.connect() as sealer:
            set_tenant(sealer, world.tenant_id)
            day = moment.at.date()
            held = sealer.scalar(_TRY, {"tenant": world.tenant_id, "day": day})
            sealed.append(bool(held))
            if held:
                add_seal(sealer, world, day)
                sealer.commit()
        return moment

    for reads_it in (ledger, recording_time):
        monkeypatch.setattr(reads_it, "Moment", then_somebody_seals)
    way(world, contact_id, number)
    assert set(sealed) == {False}
    assert world.status(contact_id) == OUT


def test_no_seal_of_a_later_day_comes_between_where_the_status_is_of_that_day(world: World) -> None:
    contact_id, ahead = world.add_contact(), datetime.now(UTC) + timedelta(days=2)
    with world.session():
        record_change(Change(contact_id, world.team_id, IN, Source.IMPORT, at=ahead))
        db.session.commit()
    with world.session():
        recording_time.this_moment()
        with world.app.app_context(), db.engine.connect() as sealer:
            set_tenant(sealer, world.tenant_id)
            assert not sealer.scalar(_TRY_ALL, {"tenant": world.tenant_id, "day": ahead.date()})


_HOLD = text("SELECT pg_advisory_xact_lock(history_day_key(:tenant, :day))")
_TRY = text("SELECT pg_try_advisory_xact_lock(history_day_key(:tenant, :day))")
_TRY_ALL = text(
    "SELECT pg_try_advisory_xact_lock(history_day_key(:tenant, NULL))"
    " AND pg_try_advisory_xact_lock(history_day_key(:tenant, :day))"
)


def test_an_erasure_with_the_clock_behind_the_newest_seal_goes_on_after_it_and_says_so(
    world: World, owner: Engine, tmp_path: Path
) -> None:
    contact_id = world.add_contact(first_name="Quetzal")
    flip(world, contact_id, 5, 3)
    seal(world)
    ahead = datetime.now(UTC).date() + timedelta(days=2)
    seal_up_to(world, owner, ahead)
    at = datetime.combine(ahead + timedelta(days=1), datetime.min.time(), UTC)
    _texts_stop(world, contact_id, number_of(world, contact_id))
    erase(world, contact_id)
    rows = world.history(contact_id)
    assert len(rows) == 3
    for row in rows:
        assert (row.first_name, row.number) == ("", f"erased-{contact_id}")
        assert row.reason.startswith("Erased: Asked for, GDPR article 17. Recorded at ")
        assert SAID.fullmatch(row.reason)
    with world.session():
        assert {each.retired_at for each in retirements(9)} == {at}
    outcome = check(world)
    assert outcome.intact, outcome.problem
    make_files(world, tmp_path)
    assert check_files(tmp_path).returncode == 0
    # The seal of that day covers it.
    seal_up_to(world, owner, at.date())
    outcome = check(world)
    assert (outcome.intact, outcome.retired) == (True, 3), outcome.problem


def test_no_row_is_retired_at_a_later_moment_than_that(world: World, owner: Engine) -> None:
    (row,) = flip(world, world.add_contact(), 3)
    at = put_the_clock_back(world, owner)
    with owner.begin() as connection:
        values = {"tenant": world.tenant_id, "row": row, "at": at + TICK}
        with pytest.raises(DBAPIError, match="another time than now"):
            connection.execute(_RETIRE, values)


def seal_up_to(world: World, owner: Engine, last: date) -> None:
    """Seals the days up to one that is not over yet, as they would be: past the trigger that refuses that."""
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE seals DISABLE TRIGGER open_days"))
    try:
        with world.session(), pytest.MonkeyPatch.context() as patched:
            newest = seals.head()
            assert newest
            first = newest.day + timedelta(days=1)
            due = iter([(first, last), None])
            patched.setattr(seals, "days_to_seal", lambda: next(due))
            seals.seal_closed_days()
    finally:
        with owner.begin() as connection:
            connection.execute(text("ALTER TABLE seals ENABLE TRIGGER open_days"))


def number_of(world: World, contact_id: int) -> str:
    with world.session():
        return db.session.get_one(Contact, contact_id).number


_RETIRE = text(
    "INSERT INTO retired_changes"
    " (tenant_id, change_id, day, digest, how, retired_at, user_name, reason, replaced)"
    " VALUES (:tenant, :row, '2026-01-01', '', 'erased', :at, '', '', '')"
)
