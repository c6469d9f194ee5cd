"""Tokens expire, the admins are told before, and calls that come after are seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from cadence_app.accounts.models import Tenant
from cadence_app.api import tokens
from cadence_app.api.models import ApiToken
from cadence_app.extensions import db
from tests.api.conftest import Api, problem
from tests.standing.leaving import add_admin, address_of, logged, mailed, sweep, token_of, token_row
from tests.world import World

DAY = timedelta(days=1)
AT = datetime(2026, 3, 1, 5, tzinfo=UTC)


@given(st.integers(0, 800 * 86400), st.lists(st.integers(0, 800 * 86400), max_size=40))
def test_each_notice_falls_due_once_whenever_the_sweep_comes(life: int, passed: list[int]) -> None:
    made, expires = AT - timedelta(seconds=life), AT
    due, notices = tokens.next_notice(expires, made), []
    for seconds in [*sorted(second for second in passed if second < life), life]:
        now = made + timedelta(seconds=seconds)
        if now >= expires:
            break
        if due <= now:
            notices.append(due)
            due = tokens.next_notice(expires, now)
        assert due > now
    possible = [expires - notice * DAY for notice in tokens.NOTICES if expires - notice * DAY > made]
    assert notices == sorted(set(notices) & set(possible))
    assert due <= expires


def _expires_in(api: Api, days: float) -> None:
    """Time passes until the token has so many days left."""
    with api.world.session():
        token = db.session.get_one(ApiToken, api.token_id)
        ago = token.expires_at - datetime.now(UTC) - timedelta(days=days)
        due = token.next_notice_at - ago if token.next_notice_at else None
        moved = {"expires_at": token.expires_at - ago, "next_notice_at": due}
        db.session.execute(update(ApiToken).where(ApiToken.id == api.token_id).values(moved))
        db.session.commit()


def test_the_admins_are_told_thirty_seven_and_one_days_before_each_once(world: World) -> None:
    second = add_admin(world)
    api = token_of(world, world.admin_id)
    told = []
    for days in (31, 29.9, 29, 8, 6.9, 6, 2, 0.9, 0.5):
        _expires_in(api, days)
        sweep(world)
        sweep(world)
        told.append(len(mailed(world, "token_expires")))
    assert told == [0, 2, 2, 2, 4, 4, 4, 6, 6]
    mails = mailed(world, "token_expires")
    assert {mail[0] for mail in mails} == {address_of(world, each) for each in (world.admin_id, second)}
    assert [mail[1].partition(": ")[0] for mail in mails[::2]] == [
        f"An API token expires {when}" for when in ("in 30 days", "in 7 days", "within a day")
    ]
    assert f"The API token {api.name} of {world.name} expires in 30 days: " in mails[0][2]


def test_of_notices_that_were_missed_only_the_latest_is_made_up_for(world: World) -> None:
    api = token_of(world, world.admin_id)
    _expires_in(api, 5.5)
    sweep(world)
    assert [mail[1].partition(": ")[0] for mail in mailed(world, "token_expires")] == [
        "An API token expires in 6 days"
    ]
    _expires_in(api, 0.5)
    sweep(world)
    assert len(mailed(world, "token_expires")) == 2


def test_an_expired_token_is_refused_logged_once_and_seen_when_it_is_used(world: World) -> None:
    api = token_of(world, world.admin_id)
    _expires_in(api, -0.1)
    admin = world.sign_in("admin")
    assert "still in use" not in admin.get("/settings/api-tokens").text
    answer = api.get("/contacts?search=Maya")
    assert problem(answer) == (401, "token_ended")
    assert "It has expired" in answer.get_json()["detail"]
    sweep(world)
    sweep(world)
    expired = ("Cadence, by itself", "token.expired", api.name)
    assert logged(world, "token").count(expired) == 1
    page = admin.get("/settings/api-tokens").text
    assert f"{api.name} has ended and is still in use" in page
    assert "GET /api/v1/contacts" in page
    # What was asked for is not kept.
    assert "Maya" not in page
    assert mailed(world, "token_expires") == []


def test_who_does_not_know_the_secret_does_not_learn_that_a_token_ended(world: World) -> None:
    api = token_of(world, world.admin_id)
    _expires_in(api, -0.1)
    guess = Api(world, api.token[:-64] + "0" * 64, api.token_id, api.name)
    assert problem(guess.get("/teams")) == (401, "token_refused")
    assert token_row(api).refused_at is None


def test_a_refused_call_is_noted_whatever_its_path_says(world: World) -> None:
    api = token_of(world, world.admin_id)
    _expires_in(api, -0.1)
    path = f"/contacts/1/consents/%00{'é' * 500}"
    assert problem(api.put(path, json={"status": "opted_out"})) == (401, "token_ended")
    token = token_row(api)
    assert token.refused_call.startswith("PUT /api/v1/contacts/1/consents/??")
    assert (len(token.refused_call), token.refused_from) == (200, "127.0.0.1")


def test_a_suspended_organisations_tokens_expire_without_a_mail(world: World) -> None:
    api = token_of(world, world.admin_id)
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).suspended_at = datetime.now(UTC)
        db.session.commit()
    for days in (29, -0.1):
        _expires_in(api, days)
        sweep(world)
    assert mailed(world, "token_expires") == []
    assert logged(world, "token")[-1][1] == "token.expired"


@pytest.mark.parametrize(("days", "notices"), [(365, 3), (20, 2), (3, 1)])
def test_a_short_token_is_not_told_of_the_day_it_is_made(world: World, days: int, notices: int) -> None:
    answer = world.sign_in("admin").post(
        "/settings/api-tokens", {"name": "Short", "scopes": ["contacts:read"], "days": days}
    )
    assert answer.status_code == 200
    sweep(world)
    assert mailed(world, "token_expires") == []
    with world.session():
        token = db.session.query(ApiToken).one()
        left = [token.expires_at - notice * DAY for notice in tokens.NOTICES]
        assert token.next_notice_at
        assert len([moment for moment in left if moment >= token.next_notice_at]) == notices
