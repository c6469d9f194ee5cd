"""Another system asks whether an inbox may text somebody now."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import quote

import pytest

from cadence_app.api.fields import BarName
from cadence_app.consent.may_text import Bar
from tests.api.conftest import Api, problem
from tests.records.people import IN, opt
from tests.world import new_number


def ask(api: Api, contact_id: int, inbox: str, **query: str) -> dict[str, Any]:
    answer = api.get(f"/contacts/{contact_id}/may-text", query_string={"inbox": inbox} | query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def test_a_system_is_told_what_a_text_would_meet(api: Api) -> None:
    number, inbox = new_number(), api.world.toll_free
    api.world.text(number, "hi", inbox)
    contact_id = api.world.contact_id(number)
    welcome = ask(api, contact_id, inbox)
    assert (welcome["may_text"], welcome["bar"], welcome["bars"], welcome["detail"]) == (True, None, [], "")
    assert (welcome["number"], welcome["inbox"], welcome["team"]) == (number, inbox, "ADM")
    api.world.text(number, "STOP", inbox)
    assert ask(api, contact_id, inbox) == {
        "contact_id": contact_id,
        "number": number,
        "inbox": inbox,
        "team": "ADM",
        "kind": "automated",
        "may_text": False,
        "bar": "opted_out",
        "bars": ["opted_out", "carrier_block"],
        "detail": "The contact is opted out of Admissions.",
    }
    assert ask(api, contact_id, api.world.shared)["bars"] == ["opted_out"]
    assert ask(api, contact_id, api.world.other_shared)["bars"] == ["not_in_team"]


def test_words_that_may_be_an_opt_out_hold_what_goes_by_itself_alone(api: Api) -> None:
    number = new_number()
    for words in ("hi", "please stop texting me"):
        api.world.text(number, words)
    contact_id, inbox = api.world.contact_id(number), api.world.shared
    assert ask(api, contact_id, inbox)["bar"] == "possible_opt_out"
    assert ask(api, contact_id, inbox, kind="by_hand")["may_text"] is True


def test_an_inbox_is_found_however_its_plus_sign_arrives(api: Api) -> None:
    contact_id, inbox = api.world.add_contact(), api.world.shared
    opt(api.world, contact_id, IN)
    for written in (quote(inbox), inbox, inbox.lstrip("+")):
        answer = api.get(f"/contacts/{contact_id}/may-text?inbox={written}")
        assert answer.get_json()["inbox"] == inbox, written


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (422, "invalid")),
        ("?inbox=front%20desk", (422, "invalid")),
        ("?inbox=%2B12125550199&kind=confirmation", (422, "invalid")),
        ("?inbox=%2B12125550199&team=ADM", (422, "invalid")),
        ("?inbox=%2B19995550199", (404, "inbox_not_found")),
    ],
)
def test_what_names_no_inbox_is_told_so(api: Api, query: str, expected: tuple[int, str]) -> None:
    contact_id = api.world.add_contact()
    assert problem(api.get(f"/contacts/{contact_id}/may-text{query}")) == expected


def test_every_bar_that_such_a_text_can_meet_is_in_the_document() -> None:
    assert set(get_args(BarName)) == {bar.value for bar in Bar} - {"opted_in_again"}
