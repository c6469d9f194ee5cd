"""Proof of an opt in through the API: evidence, recorded once, or a refusal that leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cadence_app.accounts.models import Role, User
from cadence_app.api.models import Scope
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.extensions import db
from tests.api.conftest import Api, consent_record, make_api, problem
from tests.api.proving import FULL, PAPER, bulk, opt_in, read, rows_of
from tests.records.people import add_number, text_at
from tests.world import new_number


def test_proof_is_kept_as_it_was_given_and_read_back_with_who_brought_it(api: Api) -> None:
    number = new_number()
    contact_id = api.world.add_contact(number)
    answer = opt_in(api, contact_id, FULL).get_json()
    assert (answer["result"], answer["proof"]) == ("changed", "recorded")
    (row,) = rows_of(api, contact_id)
    # Half past one in UTC is the evening before in New York.
    assert (row.method, row.way, row.agreed_on) == (Method.WEB_FORM, Way.API, date(2026, 3, 3))
    (shown,) = read(api, contact_id)["evidence"]
    assert shown.pop("recorded_at") >= answer["since"]
    assert shown == {
        **{"id": row.id, "rests_on": True, "method": "web_form", "agreed_on": "2026-03-03"},
        **{"agreed_at": "2026-03-04T01:30:00.000000Z", "words": FULL["words"].strip()},
        **{"page_url": FULL["page_url"], "sha256": "ab" * 32, "ip": "2001:db8::7", "number": number},
        **{"collected_by": "Application portal", "way": "api", "entered_by": f"{api.name} (API token)"},
        "origin": "",
    }


def test_where_nothing_is_given_nothing_is_made_up_and_a_text_names_its_change(api: Api) -> None:
    silent = api.world.add_contact()
    assert api.set(silent, "opted_in").get_json()["proof"] is None
    assert (read(api, silent)["evidence"], read(api, silent)["text_change_id"]) == ([], None)
    number = new_number()
    api.world.text(number, "hello")
    texted = read(api, api.world.contact_id(number))
    assert (texted["evidence"], texted["text_change_id"]) == ([], texted["change_id"])


def test_who_is_added_with_proof_has_it_and_who_is_in_the_team_already_gets_it_too(api: Api) -> None:
    body = {"number": new_number(), "team": "ADM", "first_name": "Nora", "proof": PAPER}
    first = api.post("/contacts", json=body).get_json()
    again = api.post("/contacts", json=body).get_json()
    more = api.post("/contacts", json=body | {"proof": PAPER | {"words": "and again"}}).get_json()
    assert (first["proof"], again["proof"], more["proof"]) == ("recorded", "known", "recorded")
    words = [(each["words"], each["rests_on"]) for each in read(api, first["contact"]["id"])["evidence"]]
    assert words == [("", True), ("and again", True)]


def test_proof_is_kept_beside_a_stop_of_the_number_and_lifts_none(api: Api) -> None:
    def stopped() -> str:
        number = new_number()
        api.world.text(number, "STOP")
        text_at(api.world, api.world.contact_id(number), new_number())
        return number

    added = api.post("/contacts", json={"number": stopped(), "team": "ADM", "proof": FULL}).get_json()
    assert (added["consent"]["status"], added["code"], added["proof"]) == (
        *("opted_out", "number_stopped"),
        "recorded",
    )
    contact_id = added["contact"]["id"]
    again = opt_in(api, contact_id, FULL).get_json()
    assert (again["status"], again["code"], again["proof"]) == ("opted_out", "number_stopped", "known")
    assert [each["rests_on"] for each in read(api, contact_id)["evidence"]] == [False]
    agreed = opt_in(api, contact_id, FULL, reason="Signed in my presence.").get_json()
    assert (agreed["status"], agreed["proof"]) == ("opted_in", "recorded")


def test_who_had_texted_stop_needs_a_reason_whatever_the_proof_and_nothing_is_left_behind(api: Api) -> None:
    number = new_number()
    api.world.text(number, "STOP")
    contact_id = api.world.contact_id(number)
    assert problem(opt_in(api, contact_id, FULL)) == (409, "reason_required")
    (record,) = bulk(api, consent_record(contact_id, "opted_in", proof=FULL))
    assert (record["code"], record["proof"]) == ("reason_required", None)
    assert rows_of(api, contact_id) == []


def test_proof_for_a_number_that_is_not_texted_is_not_kept(api: Api) -> None:
    contact_id, further = api.world.add_contact(), new_number()
    add_number(api.world, contact_id, further)
    added = api.post("/contacts", json={"number": further, "team": "ADM", "proof": PAPER}).get_json()
    (record,) = bulk(api, {"number": further, "team": "ADM", "status": "opted_in", "proof": PAPER})
    assert (added["proof"], record["code"], rows_of(api, contact_id)) == (None, "other_number", [])


def _soon(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**more)).isoformat()


_BAD: list[tuple[Any, str, str]] = [
    ({}, "proof_empty", ""),
    ({"method": "paper"}, "proof_empty", ""),
    ({"words": " \t ", "collected_by": " "}, "proof_empty", ""),
    ({"agreed_at": _soon(days=1)}, "in_the_future", "/agreed_at"),
    ({"agreed_at": "9999-12-31T23:59:59-23:59"}, "in_the_future", "/agreed_at"),
    ({"agreed_on": "9999-12-31"}, "in_the_future", "/agreed_on"),
    ({"agreed_on": "1992-12-02"}, "too_early", "/agreed_on"),
    ({"agreed_at": "0001-01-01T00:00:00+23:59"}, "too_early", "/agreed_at"),
    ({"agreed_at": "2026-03-04T01:30:00Z", "agreed_on": "2026-03-03"}, "two_times", "/agreed_on"),
    ({"ip": "203.0.113.256"}, "bad_ip", "/ip"),
    ({"ip": "localhost"}, "bad_ip", "/ip"),
    ({"page_url": "javascript:alert(1)"}, "bad_url", "/page_url"),
    ({"page_url": "https://"}, "bad_url", "/page_url"),
    ({"page_url": "http://[::1"}, "bad_url", "/page_url"),
]
_ILL_FORMED: list[tuple[Any, str]] = [
    ({"words": "x", "signature": "y"}, "/signature"),
    ({"method": "import", "words": "x"}, "/method"),
    ({"sha256": "ab" * 31}, "/sha256"),
    ({"sha256": "zz" * 32}, "/sha256"),
    ({"words": "x" * 4001}, "/words"),
    ({"collected_by": "x" * 201}, "/collected_by"),
    ({"page_url": "https://college.example/" + "x" * 2000}, "/page_url"),
    ({"words": "a\x00b"}, "/words"),
    ({"agreed_at": "2026-03-04T01:30:00"}, "/agreed_at"),
    ({"agreed_on": 20260304}, "/agreed_on"),
    ("paper", ""),
]


@pytest.mark.parametrize(("proof", "code", "pointer"), _BAD)
def test_proof_that_cannot_be_right_is_refused_where_it_is_wrong_and_nothing_is_written(
    api: Api, proof: Any, code: str, pointer: str
) -> None:
    contact_id, number = api.world.add_contact(), new_number()
    for refused in (
        opt_in(api, contact_id, proof),
        api.post("/contacts", json={"number": number, "team": "ADM", "proof": proof}),
    ):
        assert problem(refused) == (422, "invalid")
        (error,) = refused.get_json()["errors"]
        assert (error["code"], error["pointer"]) == (code, f"/proof{pointer}")
    good = api.world.add_contact()
    bad_record, good_record = bulk(
        api,
        consent_record(contact_id, "opted_in", proof=proof),
        consent_record(good, "opted_in", proof=PAPER),
    )
    assert (bad_record["result"], bad_record["code"]) == ("refused", "bad_proof")
    assert pointer in bad_record["detail"]
    assert (good_record["result"], good_record["proof"]) == ("changed", "recorded")
    assert (api.world.status(contact_id), rows_of(api, contact_id)) == (None, [])
    assert api.get("/contacts", query_string={"number": number}).get_json()["items"] == []


@pytest.mark.parametrize(("proof", "pointer"), _ILL_FORMED)
def test_proof_that_is_no_proof_refuses_the_call_as_any_value_of_a_wrong_sort(
    api: Api, proof: Any, pointer: str
) -> None:
    contact_id = api.world.add_contact()
    many = {"records": [consent_record(contact_id, "opted_in", proof=proof)]}
    for refused, where in (
        (opt_in(api, contact_id, proof), "/proof"),
        (api.post("/consents/bulk", json=many), "/records/0/proof"),
    ):
        assert problem(refused) == (422, "invalid")
        assert refused.get_json()["errors"][0]["pointer"] == f"{where}{pointer}"
    assert (api.world.status(contact_id), rows_of(api, contact_id)) == (None, [])


def test_a_program_whose_clock_goes_a_little_before_ours_is_believed(api: Api) -> None:
    contact_id = api.world.add_contact()
    assert opt_in(api, contact_id, {"agreed_at": _soon(minutes=4)}).status_code == 200
    assert problem(opt_in(api, contact_id, {"agreed_at": _soon(minutes=6)})) == (422, "invalid")


def test_proof_of_an_opt_out_is_refused_and_in_a_call_for_many_the_stop_counts_without_it(api: Api) -> None:
    contact_id = api.world.add_contact()
    api.set(contact_id, "opted_in")
    body = {"status": "opted_out", "proof": PAPER}
    refused = api.put(f"/contacts/{contact_id}/consents/ADM", json=body)
    assert problem(refused) == (422, "invalid")
    assert refused.get_json()["errors"][0]["code"] == "proof_of_opt_out"
    assert api.world.status(contact_id) == "opted_in"
    # Whatever is in it: a stop is never refused.
    (record,) = bulk(api, consent_record(contact_id, "opted_out", proof={"ip": "nowhere"}))
    assert (record["result"], record["code"]) == ("changed", "proof_of_opt_out")
    assert (api.world.status(contact_id), rows_of(api, contact_id)) == ("opted_out", [])


def test_a_token_that_only_writes_opt_outs_gives_no_proof(api: Api) -> None:
    inside, outside = api.world.add_contact(), api.world.add_contact()
    api.set(inside, "opted_in")
    with api.world.session():
        db.session.get_one(User, api.world.admin_id).role = Role.AGENT
        db.session.commit()
    assert problem(opt_in(api, inside, PAPER)) == (403, "owner_not_admin")
    added = api.post("/contacts", json={"number": new_number(), "team": "ADM", "proof": PAPER})
    assert problem(added) == (403, "owner_not_admin")
    records = [consent_record(each, "opted_in", proof=PAPER) for each in (inside, outside)]
    stop = consent_record(inside, "opted_out", proof=PAPER, team="AID")
    assert [each["code"] for each in bulk(api, *records, stop)] == [
        *("owner_not_admin", "owner_not_admin"),
        "proof_of_opt_out",
    ]
    assert (rows_of(api, inside), rows_of(api, outside)) == ([], [])


def test_a_token_that_may_not_read_consent_is_told_nothing_of_earlier_evidence(api: Api) -> None:
    contact_id = api.world.add_contact()
    opt_in(api, contact_id, FULL)
    writer = make_api(api.world, [Scope.CONSENT_WRITE])
    assert "203.0" not in (text := opt_in(writer, contact_id, PAPER).text)
    assert FULL["page_url"] not in text
    assert problem(writer.get(f"/contacts/{contact_id}/consents")) == (403, "scope_missing")


def test_the_same_proof_counts_anew_for_a_new_opt_in(api: Api) -> None:
    contact_id = api.world.add_contact()
    spoken = {"method": "spoken", "words": "Said so at the desk"}
    answers = [opt_in(api, contact_id, spoken).get_json()["proof"] for _ in range(2)]
    api.set(contact_id, "opted_out")
    answers += [opt_in(api, contact_id, spoken).get_json()["proof"] for _ in range(2)]
    assert answers == ["recorded", "known", "recorded", "known"]
    assert [each["rests_on"] for each in read(api, contact_id)["evidence"]] == [False, True]
