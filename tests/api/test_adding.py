"""Adding contacts by API: once, under the rules, and never over a stop of the number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from werkzeug.test import TestResponse

from cadence_app.accounts.models import Team
from cadence_app.api.models import Scope
from cadence_app.extensions import db
from tests.api.conftest import Api, make_api, problem
from tests.records.people import add_number, text_at
from tests.world import World, new_number


def _add(api: Api, number: str, **more: Any) -> TestResponse:
    names = {"first_name": "Nora", "last_name": "New"}
    return api.post("/contacts", json={"number": number, "team": "ADM"} | names | more)


def _stopped(api: Api) -> str:
    number = new_number()
    api.world.text(number, "STOP")
    text_at(api.world, api.world.contact_id(number), new_number())
    return number


def test_a_new_contact_is_opted_in_and_a_known_one_joins_as_they_are(api: Api) -> None:
    number = new_number()
    made = _add(api, f"({number[2:5]}) {number[5:8]}-{number[8:]}", external_id="S-9").get_json()
    assert (made["contact"]["number"], made["contact"]["external_id"]) == (number, "S-9")
    assert (made["consent"]["status"], made["consent"]["source"]) == ("opted_in", "api")
    assert (made["existed"], made["code"]) == (False, None)
    again = _add(api, number, team="AID", first_name="Other").get_json()
    assert (again["existed"], again["contact"]["first_name"]) == (True, "Nora")
    assert again["contact"]["id"] == made["contact"]["id"]


def test_who_is_in_the_team_keeps_their_status(api: Api) -> None:
    number = new_number()
    api.world.text(number, "STOP")
    kept = _add(api, number, reason="They signed a form.").get_json()
    assert (kept["existed"], kept["consent"]["status"]) == (True, "opted_out")
    assert len(api.world.history(kept["contact"]["id"])) == 1


def test_a_stopped_number_is_opted_out_unless_the_reason_says_how_this_person_agreed(api: Api) -> None:
    first, second = _stopped(api), _stopped(api)
    out = _add(api, first)
    assert out.status_code == 200
    assert (out.get_json()["consent"]["status"], out.get_json()["code"]) == ("opted_out", "number_stopped")
    agreed = _add(api, second, reason="Signed form 12.").get_json()
    assert (agreed["consent"]["status"], agreed["code"]) == ("opted_in", None)
    contact_id = out.get_json()["contact"]["id"]
    one = api.set(contact_id, "opted_in")
    assert (one.status_code, one.get_json()["status"], one.get_json()["code"]) == (
        *(200, "opted_out", "number_stopped"),
    )
    records = [{"contact_id": contact_id, "team": "ADM", "status": "opted_in"}]
    (result,) = api.post("/consents/bulk", json={"records": records}).get_json()["results"]
    assert (result["result"], result["status"], result["code"]) == (
        "unchanged",
        "opted_out",
        "number_stopped",
    )
    assert api.set(contact_id, "opted_in", "Signed form 12.").get_json()["status"] == "opted_in"


def test_a_number_that_is_a_further_one_of_somebody_joins_opted_out(api: Api) -> None:
    contact_id, further = api.world.add_contact(), new_number()
    add_number(api.world, contact_id, further)
    added = _add(api, further).get_json()
    assert (added["contact"]["id"], added["consent"]["status"]) == (contact_id, "opted_out")


def test_what_can_not_be_added_is_refused_with_a_code(api: Api, legacy_world: World) -> None:
    number = new_number()
    assert problem(_add(api, "12")) == (422, "bad_number")
    assert problem(_add(api, number, team="XYZ")) == (404, "team_not_found")
    _add(api, number, external_id="S-1")
    assert problem(_add(api, new_number(), external_id="S-1")) == (409, "external_id_taken")
    with api.world.session():
        db.session.get_one(Team, api.world.team_id).closed_at = datetime.now(UTC)
        db.session.commit()
    assert problem(_add(api, new_number())) == (409, "team_closed")
    reader = make_api(legacy_world, [Scope.CONTACTS_READ])
    assert problem(_add(reader, new_number())) == (403, "scope_missing")


def test_the_same_key_adds_once(api: Api) -> None:
    body = {"number": new_number(), "team": "ADM"}
    first, again = (api.post("/contacts", json=body, key="add-1") for _ in range(2))
    assert first.get_json() == again.get_json()
