"""Following the ledger, finding contacts, and exports by API."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import jobs
from cadence_app.reports.models import Export
from tests.api.conftest import Api, problem
from tests.records.people import text_at
from tests.world import World, new_number


def _follow(api: Api, cursor: str = "0", **filters: str) -> tuple[list[int], str]:
    """The ids of every change after a cursor, page by page, and the cursor to go on from."""
    found: list[int] = []
    while True:
        query = {"cursor": cursor, "limit": "3"} | filters
        page = api.get("/changes", query_string=query).get_json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not page["more"]:
            return found, cursor


def _all_ids(world: World, *contacts: int) -> list[int]:
    return sorted(row.id for contact_id in contacts for row in world.history(contact_id))


def test_the_feed_has_every_change_once_in_order_and_goes_on_where_it_ended(api: Api) -> None:
    contacts = [api.world.add_contact() for _ in range(4)]
    for contact_id in contacts:
        api.set(contact_id, "opted_in")
        api.set(contact_id, "opted_out")
    first, cursor = _follow(api)
    assert first == _all_ids(api.world, *contacts)
    assert _follow(api, cursor)[0] == []
    api.set(contacts[0], "opted_in")
    assert _follow(api, cursor)[0] == [api.world.history(contacts[0])[-1].id]


def test_a_changed_number_is_a_source_of_its_own_with_the_old_one(api: Api) -> None:
    old = new_number()
    contact_id = api.world.add_contact(old)
    api.set(contact_id, "opted_in")
    text_at(api.world, contact_id, new_number())
    page = api.get("/changes", query_string={"source": "number_change"}).get_json()
    assert [(item["status"], item["number"]) for item in page["items"]] == [("opted_out", old)]
    (consent,) = api.get(f"/contacts/{contact_id}/consents").get_json()["items"]
    assert consent["source"] == "number_change"


def test_a_change_committed_late_is_never_skipped(api: Api) -> None:
    """The transaction that is held open has the lower id; another one commits a higher id meanwhile."""
    early, late = api.world.add_contact(), api.world.add_contact()
    other, after = api.world.add_contact(), api.world.add_contact()
    api.set(early, "opted_in")
    seen, cursor = _follow(api)
    with api.world.session():
        held = record_change(Change(late, api.world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        assert held is not None
        in_thread = threading.Thread(target=lambda: api.set(other, "opted_out"))
        in_thread.start()
        in_thread.join()
        (committed,) = api.world.history(other)
        assert committed.id > held
        during, cursor = _follow(api, cursor)
        db.session.commit()
    api.set(after, "opted_out")
    rest, _ = _follow(api, cursor)
    everything = seen + during + rest
    assert everything == _all_ids(api.world, early, late, other, after)
    assert during == []


def test_a_rolled_back_change_does_not_hold_the_feed(api: Api) -> None:
    contact_id, other = api.world.add_contact(), api.world.add_contact()
    with api.world.session():
        record_change(Change(contact_id, api.world.team_id, Status.OPTED_OUT, Source.TOGGLE))
        db.session.rollback()
    api.set(other, "opted_out")
    assert _follow(api)[0] == _all_ids(api.world, other)


def test_followers_miss_nothing_while_many_write_at_once(api: Api) -> None:
    contacts = [api.world.add_contact() for _ in range(12)]
    done = threading.Event()
    seen: list[int] = []

    def write(contact_id: int) -> None:
        for status in ("opted_in", "opted_out") * 4:
            api.set(contact_id, status)

    def follow() -> None:
        cursor = "0"
        while not done.is_set():
            found, cursor = _follow(api, cursor)
            seen.extend(found)
        seen.extend(_follow(api, cursor)[0])

    follower = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(contact_id,)) for contact_id in contacts]
    follower.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    follower.join()
    assert seen == _all_ids(api.world, *contacts)
    assert len(seen) == 96


def test_the_feed_is_filtered_by_time_team_and_source(api: Api) -> None:
    number = new_number()
    api.world.text(number, "hello")
    contact_id = api.world.contact_id(number)
    api.set(contact_id, "opted_out", team="AID")
    api.set(contact_id, "opted_out")
    cold, in_aid, in_adm = _all_ids(api.world, contact_id)
    assert _follow(api, team="AID")[0] == [in_aid]
    assert _follow(api, source="cold_inbound")[0] == [cold]
    since = api.world.history(contact_id)[2].changed_at.isoformat()
    assert _follow(api, since=since)[0] == [in_adm]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert _follow(api, since=later)[0] == []


def test_a_change_is_told_as_it_was_at_its_moment(api: Api) -> None:
    number = new_number()
    api.world.text(number, "Stop.")
    (item,) = api.get("/changes").get_json()["items"]
    assert (item["number"], item["words"], item["source"]) == (number, "Stop.", "keyword")
    assert (item["team"], item["status"], item["by"]) == ("ADM", "opted_out", "")
    assert item["changed_at"].endswith("Z")


def test_contacts_are_found_by_number_id_and_search_and_paged(api: Api) -> None:
    number = new_number()
    ids = [
        api.world.add_contact(number, first_name="Zoë", last_name="Ng", external_id="00123"),
        *(api.world.add_contact(first_name="Sam", last_name=f"Page{i}") for i in range(5)),
    ]
    for query in ({"number": number}, {"number": number[1:]}, {"external_id": "00123"}, {"search": "zoë"}):
        found = api.get("/contacts", query_string=query).get_json()["items"]
        assert [item["id"] for item in found] == ids[:1], query
    # A plus sign that was not escaped.
    assert api.get(f"/contacts?number={number}").get_json()["items"][0]["id"] == ids[0]
    assert api.get(f"/contacts/{ids[0]}").get_json()["first_name"] == "Zoë"
    pages, cursor = [], None
    while True:
        query = {"limit": "2", "search": "sam page"} | ({"cursor": cursor} if cursor else {})
        page = api.get("/contacts", query_string=query).get_json()
        pages += [item["id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert pages == ids[1:]


def test_the_teams_are_named_by_code(api: Api) -> None:
    items = api.get("/teams").get_json()["items"]
    assert items == [{"code": "ADM", "name": "Admissions"}, {"code": "AID", "name": "Aid"}]


def test_an_export_is_requested_written_and_fetched(api: Api) -> None:
    number = new_number()
    api.world.text(number, "STOP")
    day = datetime.now(UTC).date()
    body = {
        "kind": "opt-out-history",
        "start_date": f"{day - timedelta(days=2)}",
        "end_date": f"{day + timedelta(days=1)}",
    }
    asked = api.post("/exports", json=body, key="weekly")
    assert asked.status_code == 202
    path = asked.headers["Location"].removeprefix("/api/v1")
    assert asked.get_json()["state"] == "queued"
    assert problem(api.get(f"{path}/file")) == (409, "file_not_ready")
    again = api.post("/exports", json=body, key="weekly")
    assert again.get_json() == asked.get_json()
    assert again.headers["Location"] == asked.headers["Location"]
    with api.world.app.app_context():
        jobs.run_export(api.world.tenant_id, asked.get_json()["id"])
    done = api.get(path).get_json()
    assert (done["state"], done["rows"], done["file_available"]) == ("sent", 1, True)
    file = api.get(f"{path}/file")
    assert file.mimetype == "text/csv"
    assert number in file.text
    assert len(file.data) == done["size"]
    with api.world.session():
        db.session.get_one(Export, done["id"]).expires_at = datetime.now(UTC)
        db.session.commit()
    assert problem(api.get(f"{path}/file")) == (404, "file_not_available")
    assert [item["id"] for item in api.get("/exports").get_json()["items"]] == [done["id"]]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "everything"}, "/kind"),
        ({"start_date": "2026-02-30"}, "/start_date"),
        ({"start_date": 20260101}, "/start_date"),
        ({"start_date": "1999-12-31"}, "/start_date"),
        ({"start_date": "2999-01-01", "end_date": "2999-01-02"}, "/start_date"),
        ({"end_date": "2025-12-31"}, "/end_date"),
        ({"extra": 1}, "/extra"),
    ],
)
def test_an_export_that_can_not_be_is_told_at_its_field(
    api: Api, change: dict[str, object], pointer: str
) -> None:
    body = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-31"} | change
    answer = api.post("/exports", json=body)
    assert problem(answer) == (422, "invalid")
    assert answer.get_json()["errors"][0]["pointer"] == pointer
    assert api.get("/exports").get_json()["items"] == []
