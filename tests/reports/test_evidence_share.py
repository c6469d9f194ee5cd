"""The share of opted-in people who are known to have agreed: what it counts, who sees it, where it is."""

from __future__ import annotations

import pytest

from cadence_app.accounts.models import Role, User
from cadence_app.consent import evidence
from cadence_app.consent.evidence_models import Way
from cadence_app.consent.evidence_of_all import OWN_TEXT
from cadence_app.extensions import db
from cadence_app.reports.evidence_share import Share, evidence_share, percent
from tests.records.agreed import PAPER, by_api, by_text, imported, on_paper, said
from tests.records.people import IN, OUT, opt
from tests.world import World, make_user

_PATHS = {"teams": "/reports/evidence", "legacy": "/reports/consent-evidence"}


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> tuple[World, str]:
    """A tenant and its own path of the report."""
    return (world if request.param == "teams" else legacy_world), _PATHS[request.param]


def fill(world: World) -> None:
    """Admissions: a text, paper, a file, an API, nothing, and who is out; Aid: one on paper, one by text."""
    by_text(world)
    twice = on_paper(world)
    imported(world)
    by_api(world)
    on_paper(world, given=None)
    opt(world, on_paper(world), OUT)
    opt(world, twice, IN, world.other_team_id)
    with world.session():
        evidence.record(
            [(twice, world.other_team_id)], PAPER, Way.RECORD, db.session.get_one(User, world.admin_id)
        )
        db.session.commit()
    by_text(world, inbox=world.other_shared)


def test_each_is_counted_once_in_each_team_by_what_their_opt_in_rests_on(world: World) -> None:
    fill(world)
    with world.session():
        report = evidence_share()
        by_team = {team.name: dict(share.by_ground) for team, share in report.teams}
        assert by_team == {
            "Admissions": {OWN_TEXT: 1, "paper": 1, "web_form": 2, None: 1},
            "Aid": {OWN_TEXT: 1, "paper": 1},
        }
        assert report.whole.by_ground == {OWN_TEXT: 2, "paper": 2, "web_form": 2, None: 1}
        whole = report.whole
        assert (whole.with_evidence, whole.none_recorded, whole.opted_in, whole.percent) == (6, 1, 7, 85.7)


def test_the_page_says_it_in_the_words_of_the_mode(either: tuple[World, str]) -> None:
    world, path = either
    fill(world)
    page = world.sign_in("admin").get(path)
    assert page.status_code == 200
    words = said(page.text)
    assert "With evidence 85.7% 6 of 7 opted in" in words
    assert "None recorded 1 Those in your" in words
    assert "Their own text 2 28.6%" in words
    assert "Admissions 5 80.0% 1 Their own text: 1 Web form: 2 Paper form: 1" in words
    assert "Aid 2 100.0% 0 Their own text: 1 Paper form: 1" in words
    assert ("By department" in words) == (path == _PATHS["legacy"])


def test_of_nobody_there_is_no_share(either: tuple[World, str]) -> None:
    world, path = either
    assert "Nobody is opted in" in world.sign_in("admin").get(path).text


def test_the_other_modes_path_is_not_there_and_says_where_it_is(world: World, legacy_world: World) -> None:
    for each, path, clicks in (
        (world, _PATHS["legacy"], "Evidence"),
        (legacy_world, _PATHS["teams"], "Consent Evidence"),
    ):
        answer = each.sign_in("admin").get(path)
        assert answer.status_code == 404
        assert clicks in answer.text
        assert each.sign_in("agent").get(path).status_code == 403


def test_an_agent_may_not_open_it_and_an_auditor_may(either: tuple[World, str]) -> None:
    world, path = either
    fill(world)
    with world.session():
        auditor = make_user(world.tenant_id, Role.AUDITOR, "Auditor Person").email
        db.session.commit()
    assert world.sign_in("agent").get(path).status_code == 403
    page = world.sign_in_as(auditor).get(path)
    assert "85.7%" in page.text
    assert "status=none_recorded" not in page.text


def test_contacts_can_be_narrowed_to_those_of_whom_nothing_is_recorded(world: World) -> None:
    fill(world)
    with_none = on_paper(world, given=None, team_id=world.other_team_id)
    for role, people in (("admin", 2), ("agent", 1)):
        page = world.sign_in(role).get("/contacts/?status=none_recorded").text
        assert ("2 contacts" if people == 2 else "1 contact") in page
        assert (f'href="/contacts/{with_none}"' in page) == (role == "admin")
        assert '<option value="none_recorded" selected>' in page


def test_a_share_is_all_or_none_only_where_it_is() -> None:
    assert percent(0, 0) is None
    assert Share({}).percent is None
    assert percent(0, 5) == 0
    assert percent(5, 5) == 100
    assert percent(1, 100_000) == 0.1
    assert percent(99_999, 100_000) == 99.9
    assert percent(1, 3) == 33.3
