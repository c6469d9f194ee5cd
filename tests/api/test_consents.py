"""Changing consent by API, one by one and many at once, under the rules."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadence_app.accounts.models import Team
from cadence_app.consent import possible
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests import sizes
from tests.api.conftest import Api, consent_record, problem
from tests.records.people import add_number
from tests.world import new_number


def _bulk(api: Api, *records: dict[str, Any]) -> list[dict[str, Any]]:
    answer = api.post("/consents/bulk", json={"records": list(records)})
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["results"])


def test_a_change_is_written_once_and_read_back(api: Api) -> None:
    contact_id = api.world.add_contact()
    first = api.set(contact_id, "opted_out").get_json()
    again = api.set(contact_id, "opted_out").get_json()
    assert (first["result"], again["result"]) == ("changed", "unchanged")
    assert first["change_id"] == again["change_id"]
    (stored,) = api.get(f"/contacts/{contact_id}/consents").get_json()["items"]
    assert (stored.pop("evidence"), stored.pop("text_change_id")) == ([], None)
    assert stored == {key: first[key] for key in stored}
    assert (stored["status"], stored["source"], stored["team"]) == ("opted_out", "api", "ADM")
    assert stored["since"].endswith("Z")
    assert len(api.world.history(contact_id)) == 1


def test_who_texted_stop_is_opted_in_only_with_a_reason(api: Api) -> None:
    number = new_number()
    api.world.text(number, "STOP")
    contact_id = api.world.contact_id(number)
    refused = api.set(contact_id, "opted_in", "  ")
    assert problem(refused) == (409, "reason_required")
    assert refused.get_json()["errors"][0]["pointer"] == "/reason"
    (result,) = _bulk(api, consent_record(contact_id, "opted_in"))
    assert (result["result"], result["code"]) == ("refused", "reason_required")
    assert api.world.status(contact_id) == "opted_out"
    assert api.set(contact_id, "opted_in", "Signed the form of May 2.").status_code == 200
    assert api.world.history(contact_id)[-1].reason == "Signed the form of May 2."


def test_nobody_joins_a_closed_team_and_who_is_in_it_can_still_stop(api: Api) -> None:
    inside, outside = api.world.add_contact(), api.world.add_contact()
    api.set(inside, "opted_in")
    with api.world.session():
        db.session.get_one(Team, api.world.team_id).closed_at = datetime.now(UTC)
        db.session.commit()
    assert problem(api.set(outside, "opted_in")) == (409, "team_closed")
    first, second = _bulk(api, consent_record(outside, "opted_out"), consent_record(inside, "opted_out"))
    assert (first["result"], first["code"], second["result"]) == ("refused", "team_closed", "changed")
    assert api.world.status(outside) is None


def test_who_stopped_every_team_is_not_opted_in_to_another_without_a_reason(api: Api) -> None:
    number = new_number()
    api.world.text(number, "STOP ALL")
    contact_id = api.world.contact_id(number)
    assert problem(api.set(contact_id, "opted_in", team="AID")) == (409, "reason_required")
    assert api.world.status(contact_id, api.world.other_team_id) is None
    blocks = api.get(f"/contacts/{contact_id}/consents").get_json()["blocks"]
    assert [block["scope"] for block in blocks] == ["organisation"]


def test_an_opt_out_by_api_keeps_the_persons_own_stop_in_force(api: Api) -> None:
    number = new_number()
    api.world.text(number, "STOP")
    contact_id = api.world.contact_id(number)
    assert api.set(contact_id, "opted_out").get_json()["result"] == "unchanged"
    assert problem(api.set(contact_id, "opted_in")) == (409, "reason_required")


def test_an_opt_out_settles_a_possible_opt_out(api: Api) -> None:
    number = new_number()
    api.world.text(number, "please stop texting me")
    contact_id = api.world.contact_id(number)
    (before,) = api.get(f"/contacts/{contact_id}/consents").get_json()["items"]
    _bulk(api, consent_record(contact_id, "opted_out"))
    with api.world.session():
        assert possible.open_flag(contact_id, api.world.team_id) is None
    assert before["possible_opt_out"] is True


def test_an_opt_in_for_a_number_that_is_not_the_texted_one_is_refused_and_an_opt_out_is_not(
    api: Api,
) -> None:
    further = new_number()
    contact_id = api.world.add_contact()
    add_number(api.world, contact_id, further)
    (refused,) = _bulk(api, {"number": further, "team": "ADM", "status": "opted_in"})
    assert (refused["result"], refused["code"]) == ("refused", "other_number")
    assert api.world.status(contact_id) is None
    (done,) = _bulk(api, {"number": further, "team": "ADM", "status": "opted_out"})
    assert (done["result"], api.world.status(contact_id)) == ("changed", "opted_out")
    assert api.world.history(contact_id)[-1].number == further


def test_each_record_has_its_own_answer_in_its_order(api: Api) -> None:
    number = new_number()
    a, b = api.world.add_contact(number), api.world.add_contact(external_id="S 1")
    stopped = new_number()
    api.world.text(stopped, "STOP")
    records = [
        consent_record(a, "opted_in"),
        {"external_id": "S 1", "team": "AID", "status": "opted_out"},
        {"number": f"({number[2:5]}) {number[5:]}", "team": "AID", "status": "opted_in"},
        consent_record(a, "opted_out"),
        {"number": stopped, "team": "ADM", "status": "opted_in"},
        {"number": stopped, "team": "ADM", "status": "opted_out"},
        {"number": "12", "team": "ADM", "status": "opted_in"},
        {"number": "+19990001111", "team": "ADM", "status": "opted_in"},
        {"external_id": "nobody", "team": "ADM", "status": "opted_in"},
        consent_record(b, "opted_in", team="NOPE"),
        {"team": "ADM", "status": "opted_in"},
        consent_record(b, "opted_in", number=number),
    ]
    results = _bulk(api, *records)
    assert [r["index"] for r in results] == list(range(len(records)))
    assert [r["code"] or r["result"] for r in results] == [
        "duplicate",
        "changed",
        "changed",
        "changed",
        "duplicate",
        "unchanged",
        "bad_number",
        "contact_not_found",
        "contact_not_found",
        "team_not_found",
        "contact_not_named",
        "contact_not_named",
    ]
    assert [results[0]["contact_id"], results[1]["contact_id"], results[2]["contact_id"]] == [a, b, a]
    assert api.world.status(a) == "opted_out"
    assert api.world.status(b, api.world.other_team_id) == "opted_out"


def test_a_number_is_read_as_strictly_as_anywhere(api: Api) -> None:
    number, digits = new_number(), new_number()[4:]
    contact_id, mexican = api.world.add_contact(number), api.world.add_contact(f"+5255{digits}")
    rounded = f"{number[2]}.{number[3:11]}E+9"
    wrong = (rounded, f"{number} ext. 2", number[5:], f"1 {number}", "+1 555 0145")
    results = _bulk(api, *({"number": each, "team": "ADM", "status": "opted_out"} for each in wrong))
    assert {result["code"] for result in results} == {"bad_number"}
    assert api.world.status(contact_id) is None
    whole = f"{number[2:]}.0"
    results = _bulk(
        api,
        {"number": whole, "team": "ADM", "status": "opted_out"},
        {"number": f"+52155{digits}", "team": "ADM", "status": "opted_out"},
    )
    assert [result["contact_id"] for result in results] == [contact_id, mexican]
    found = api.get("/contacts", query_string={"number": f"+52155{digits}"}).get_json()["items"]
    assert [each["id"] for each in found] == [mexican]


def test_a_number_from_before_that_is_none_is_found_and_opted_out_as_it_is_stored(api: Api) -> None:
    contact_id = api.world.add_contact("+15550145")
    (result,) = _bulk(api, {"number": "+15550145", "team": "ADM", "status": "opted_out"})
    assert (result["result"], result["contact_id"]) == ("changed", contact_id)
    found = api.get("/contacts", query_string={"number": "+15550145"}).get_json()["items"]
    assert [each["id"] for each in found] == [contact_id]


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_records_that_disagree_the_opt_out_counts_whichever_comes_first(
    api: Api, turned: bool
) -> None:
    number, further = new_number(), new_number()
    contact_id = api.world.add_contact(number, external_id="K1")
    add_number(api.world, contact_id, further)
    records: list[dict[str, Any]] = [
        consent_record(contact_id, "opted_in", reason="Signed."),
        {"number": further, "team": "ADM", "status": "opted_in"},
        {"external_id": "K1", "team": "ADM", "status": "opted_out"},
        {"number": number, "team": "ADM", "status": "opted_out"},
        {"external_id": "K1", "team": "AID", "status": "opted_in"},
    ]
    results = _bulk(api, *(records[::-1] if turned else records))
    assert api.world.status(contact_id) == "opted_out"
    assert api.world.status(contact_id, api.world.other_team_id) == "opted_in"
    assert sorted(result["code"] or result["result"] for result in results) == [
        *["changed"] * 2,
        *["duplicate"] * 3,
    ]
    assert len(api.world.history(contact_id, api.world.team_id)) == 1
    refused = next(result for result in results if result["code"] == "duplicate")
    assert "an opt out before an opt in" in refused["detail"]


def test_more_than_ten_thousand_records_are_refused(api: Api) -> None:
    records = [{"external_id": "B", "team": "ADM", "status": "opted_out", "reason": "Left."}] * 10_001
    assert problem(api.post("/consents/bulk", json={"records": records})) == (422, "invalid")


@pytest.mark.sized
def test_up_to_ten_thousand_records_are_one_call(api: Api) -> None:
    people = sizes.size(300, 5000)
    with api.world.session():
        db.session.add_all(
            Contact(tenant_id=api.world.tenant_id, number=new_number(), external_id=f"B{index}")
            for index in range(people)
        )
        db.session.commit()
    records = [
        {"external_id": f"B{index}", "team": team, "status": "opted_out", "reason": "Left the college."}
        for index in range(people)
        for team in ("ADM", "AID")
    ]
    answer = api.post("/consents/bulk", json={"records": records}).get_json()
    assert (answer["changed"], answer["unchanged"], answer["refused"]) == (2 * people, 0, 0)
    assert len({result["change_id"] for result in answer["results"]}) == 2 * people
    again = api.post("/consents/bulk", json={"records": records}).get_json()
    assert (again["changed"], again["unchanged"]) == (0, 2 * people)


STATES = st.sampled_from(["", "hello", "STOP", "STOP ALL", "please stop texting me"])
RECORDS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["ADM", "AID", "NOPE"]),
        st.sampled_from(["opted_in", "opted_out"]),
        st.sampled_from(["", " ", "They signed."]),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda record: record[:2],
)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(4, 60),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.tuples(STATES, STATES, STATES, STATES), RECORDS)
def test_many_at_once_do_what_one_by_one_would(
    api: Api, states: tuple[str, ...], records: list[tuple[int, str, str, str]]
) -> None:
    def people() -> list[int]:
        ids = []
        for words in states:
            number = new_number()
            ids.append(api.world.add_contact(number))
            if words:
                api.world.text(number, words)
        return ids

    together, apart = people(), people()
    results = _bulk(
        api, *(consent_record(together[i], status, team, reason=r) for i, team, status, r in records)
    )
    for (index, team, status, reason), result in zip(records, results, strict=True):
        answer = api.set(apart[index], status, reason, team).get_json()
        assert (result["code"] or result["result"]) == (answer.get("code") or answer["result"])
    for one, other in zip(together, apart, strict=True):
        columns = ("team_id", "status", "source", "reason", "words", "user_name")
        rows = [
            sorted((tuple(getattr(row, c) for c in columns) for row in api.world.history(each)), key=str)
            for each in (one, other)
        ]
        assert rows[0] == rows[1]


def test_two_bulk_calls_over_the_same_people_both_end(api: Api) -> None:
    contacts = [api.world.add_contact() for _ in range(40)]
    answers: list[int] = []

    def change(status: str, order: list[int]) -> None:
        for _ in range(5):
            records = [consent_record(contact_id, status) for contact_id in order]
            answers.append(api.post("/consents/bulk", json={"records": records}).status_code)

    threads = [
        threading.Thread(target=change, args=("opted_in", contacts)),
        threading.Thread(target=change, args=("opted_out", contacts[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 10
