"""A person with something in every table is erased, or removed by age: nothing of them is left in any table
or file, but what the register says; before that, the download has it all."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from sqlalchemy import create_engine, func, select, text, update

from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts.imports import jobs as import_jobs
from cadence_app.contacts.imports.models import Import, ImportRow
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from cadence_app.messaging.media import jobs as media_jobs
from cadence_app.messaging.media.models import DiscardedFile
from cadence_app.notifications.models import NotificationRule
from cadence_app.notifications.telling import tell
from cadence_app.records import erasing
from cadence_app.reports import jobs as report_jobs
from cadence_app.reports.filters import Filters
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.traces import PERSON, Fate, all_traces
from cadence_app.vault import decrypt
from cadence_app.webhooks import outbox
from cadence_app.webhooks import service as webhooks
from tests.api.conftest import make_api
from tests.contacts import importing
from tests.records.everywhere import FIRST, LAST, NAME, WORD, Trail, leave_traces
from tests.records.people import erase
from tests.reports.scheduling import add_schedule
from tests.retention.old_contacts import keep_for_a_year, remove_all
from tests.waiting import until_somebody_waits
from tests.world import World, new_number

# Written when somebody goes; a hold keeps them from it.
LATER = {
    *("discarded_files", "retired_changes", "sealed_changes", "retired_evidence", "sealed_evidence"),
    "legal_holds",
}


def stored(world: World) -> dict[str, str]:
    """Every row of every table as text, by table: the tenant's, and those of no tenant. Mails are opened."""
    engine = create_engine(world.app.config["SUPERUSER_URL"])
    tables = (
        "SELECT t.table_name, bool_or(c.column_name = 'tenant_id') FROM information_schema.tables t"
        " JOIN information_schema.columns c USING (table_schema, table_name)"
        " WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' GROUP BY 1"
    )
    found = {}
    with engine.connect() as connection:
        for table, of_tenant in connection.execute(text(tables)).all():
            own = f" WHERE tenant_id = {world.tenant_id}" if of_tenant else ""
            rows = connection.scalars(text(f"SELECT t::text FROM {table} t{own}")).all()
            found[table] = "\n".join(rows)
    engine.dispose()
    with world.session():
        for mail in db.session.scalars(select(OutgoingMail).where(OutgoingMail.text != "")):
            found["outgoing_mails"] += decrypt(mail.text) + decrypt(mail.html)
    return found


def files_of(world: World) -> dict[str, str]:
    """Every file of the tenant in the storage, by its key."""
    folder = Path(unquote(urlsplit(world.app.config["FILES_URL"]).path))
    paths = [path for path in folder.rglob("*") if path.is_file() and f"/{world.tenant_id}/" in str(path)]
    return {str(path.relative_to(folder)): path.read_bytes().decode(errors="replace") for path in paths}


def named_in(trail: Trail, words: str) -> set[str]:
    """What of the person stands there; a number in any spelling."""
    said = {each for each in (FIRST, LAST, LAST[2:], WORD, trail.external_id) if each in words}
    digits = re.sub(r"[\s().+/-]", "", words)
    return said | {number for number in trail.numbers if number[2:] in digits}


def sweep(world: World) -> None:
    """What runs every minute."""
    with world.app.app_context():
        import_jobs.remove_expired_imports()
        report_jobs.remove_expired_exports()
        for _ in range(2):
            media_jobs.remove_discarded_files()
            with world.session():
                db.session.execute(update(DiscardedFile).values(due_at=func.now()))
                db.session.commit()


def grow_old(world: World, trail: Trail) -> None:
    """Makes everything of the person as old as retention looks for."""
    engine, ids = create_engine(world.app.config["SUPERUSER_URL"]), [trail.contact_id, trail.merged_id]
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table, column, of in (
            ("contacts", "created_at", "id"),
            ("opt_out_changes", "changed_at", "contact_id"),
            ("consent_evidence", "recorded_at", "contact_id"),
            ("conversations", "last_message_at", "contact_id"),
        ):
            statement = f"UPDATE {table} SET {column} = {column} - :by WHERE {of} = ANY (:ids)"
            connection.execute(text(statement), {"by": timedelta(days=400), "ids": ids})
    engine.dispose()


def go(world: World, trail: Trail, way: str) -> None:
    if way == "erased":
        erase(world, trail.contact_id)
        return
    grow_old(world, trail)
    keep_for_a_year(world)
    assert remove_all(world).state == "done"


def download(world: World, contact_id: int) -> dict[str, Any]:
    answer = world.sign_in("admin").post(f"/contacts/{contact_id}/data")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        data: dict[str, Any] = json.loads(archive.read("data.json"))
        assert {f"{name}.csv" for name in data if name != PERSON} <= set(archive.namelist())
        told = archive.read("README.txt").decode()
        assert all(f"\n{name}: " in told for name in data if name != PERSON)
    return data


@pytest.mark.parametrize("way", ["erased", "aged"])
def test_nothing_of_a_person_is_left_in_any_table_or_file(world: World, way: str) -> None:
    trail = leave_traces(world)
    kept = {each.table.__tablename__: each for traces in all_traces() for each in traces.tables}
    before = stored(world)
    assert {name for name in kept.keys() - LATER if not before[name]} == set()
    data = download(world, trail.contact_id)
    assert {each.download for each in kept.values() if each.download and not data[each.download]} == set()
    assert named_in(trail, json.dumps(data)) >= {FIRST, WORD, trail.external_id, *trail.numbers}
    assert named_in(trail, "".join(files_of(world).values()))
    go(world, trail, way)
    sweep(world)
    left = {name: named_in(trail, words) for name, words in stored(world).items()}
    assert {name: words for name, words in left.items() if words} == {}
    with world.session():
        waiting = db.session.get_one(Import, trail.waiting_import).file_key
    assert {key for key, words in files_of(world).items() if named_in(trail, words)} == {waiting}


def test_a_file_that_waits_does_not_bring_them_back_when_it_is_read_again(world: World) -> None:
    trail, other = leave_traces(world), new_number()
    ours = (FIRST, LAST, trail.external_id, trail.numbers[0], "ADM", "")
    waits = importing.upload(world, importing.csv_of(ours, ("Ben", "Ito", "", other, "ADM", "")))
    erase(world, trail.contact_id)
    checked = importing.check(world, waits)
    assert (checked.rows_new, checked.rows_refused) == (1, 1)
    with world.session():
        rows = db.session.scalars(select(ImportRow).where(ImportRow.import_id == waits)).all()
        assert [row.first_name for row in sorted(rows, key=lambda row: row.line)] == ["", "Ben"]
    importing.start(world, waits)
    done = importing.work(world, waits)
    assert "erased, or removed by age" in importing.problems(world, done)[0]
    assert named_in(trail, files_of(world)[done.result_key]) == set()
    with world.session():
        assert db.session.scalar(select(Contact.id).where(Contact.number == other))
        assert not db.session.scalar(select(Contact.id).where(Contact.number == trail.numbers[0]))


def test_a_mail_that_waits_tells_of_the_others_without_them(world: World) -> None:
    trail = leave_traces(world)
    with world.session():
        mails = db.session.scalars(select(OutgoingMail).where(OutgoingMail.kind == "notification")).all()
        ours = [mail.id for mail in mails if NAME in mail.subject]
    assert ours
    erase(world, trail.contact_id)
    with world.session():
        for mail_id in ours:
            mail = db.session.get_one(OutgoingMail, mail_id)
            assert "(erased) opted" in mail.subject
            assert "(erased)" in decrypt(mail.text)


def test_a_search_for_somebody_else_of_the_same_name_goes_on(world: World) -> None:
    number = new_number()
    gone, namesake = world.add_contact(number), world.add_contact()
    by_name, by_number = (
        add_schedule(world, filters=Filters(contact=each)) for each in ("Maya Chen", number)
    )
    erase(world, gone)
    with world.session():
        assert db.session.get_one(ExportSchedule, by_name).filters == {"contact": "Maya Chen"}
        assert db.session.get_one(ExportSchedule, by_number).filters == {"contact": "(erased)"}
    erase(world, namesake)
    with world.session():
        assert db.session.get_one(ExportSchedule, by_name).filters == {"contact": "(erased)"}


def test_a_call_that_is_sent_again_after_an_erasure_is_not_made_again(world: World) -> None:
    api, number = make_api(world), new_number()
    record = {"number": number, "first_name": FIRST, "team": "ADM"}
    contact_id = api.post("/contacts", key="once", json=record).get_json()["contact"]["id"]
    erase(world, contact_id)
    again = api.post("/contacts", key="once", json=record)
    assert (again.status_code, again.get_json()["code"]) == (410, "erased")
    with world.session():
        assert not db.session.scalar(select(Contact.id).where(Contact.number == number))


def test_after_a_merge_only_history_points_to_the_one_merged_away(world: World) -> None:
    trail = leave_traces(world)
    kept = {each.table.__tablename__: each for traces in all_traces() for each in traces.tables}
    engine = create_engine(world.app.config["SUPERUSER_URL"])
    columns = (
        "SELECT c.table_name, c.column_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        " AND c.column_name IN ('contact_id', 'waits_for_id', 'merged_into_id')"
    )
    pointing = set()
    with engine.connect() as connection:
        for table, column in connection.execute(text(columns)).all():
            count = text(f"SELECT count(*) FROM {table} WHERE {column} = :id")
            if connection.scalar(count, {"id": trail.merged_id}):
                pointing.add(table)
    engine.dispose()
    assert "opt_out_changes" in pointing
    assert {table for table in pointing if kept[table].merged != Fate.STAYS} == set()


@pytest.mark.parametrize("way", ["mail", "webhook"])
def test_who_is_erased_while_others_are_told_of_them_is_not_named(world: World, way: str) -> None:
    trail = leave_traces(world)
    world.text(trail.numbers[0], "START")
    with world.session():
        rule_id = db.session.scalars(select(NotificationRule.id)).one()
        (endpoint,) = webhooks.all_endpoints()
        endpoint_id = endpoint.id

    def tells() -> None:
        with world.session():
            tell(rule_id) if way == "mail" else outbox.take_changes(endpoint_id)

    telling = threading.Thread(target=tells)
    with world.session():
        lock_contacts([trail.contact_id])
        telling.start()
        until_somebody_waits()
        erasing.erase(db.session.get_one(User, world.admin_id), trail.contact_id, "Asked for.")
    telling.join(30)
    after = stored(world)
    assert not named_in(trail, after["outgoing_mails"] + after["webhook_deliveries"])
    assert "erased-" in after["outgoing_mails" if way == "mail" else "webhook_deliveries"]
