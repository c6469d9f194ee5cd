"""A device on which somebody has signed in before: strangers do not lock it out."""

from __future__ import annotations

import uuid

from flask import Flask

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from tests.accounts.arriving import email_of, is_signed_in
from tests.accounts.trying import try_password
from tests.world import PASSWORD, Browser, World


def test_strangers_do_not_lock_out_who_comes_on_a_known_device(
    world: World, limited_app: Flask, ip: str
) -> None:
    email, mine = email_of(world, world.agent_id), Browser(limited_app.test_client())
    assert try_password(mine, email, ip, PASSWORD) == 302
    mine.post("/logout", token_from="/account/")
    stranger, there = Browser(limited_app.test_client()), f"2001:db8:ffff:{uuid.uuid4().hex[:4]}::1"
    assert [try_password(stranger, email, there) for _ in range(6)] == [422] * 5 + [429]
    assert try_password(stranger, email, there, PASSWORD) == 429
    assert try_password(mine, email, ip, PASSWORD) == 302


def test_a_known_device_has_its_own_count_and_is_known_for_one_account_alone(
    world: World, limited_app: Flask, ip: str
) -> None:
    agent, admin = (email_of(world, each) for each in (world.agent_id, world.admin_id))
    mine = Browser(limited_app.test_client())
    assert try_password(mine, agent, ip, PASSWORD) == 302
    mine.post("/logout", token_from="/account/")
    assert [try_password(mine, agent, ip) for _ in range(6)] == [422] * 5 + [429]
    # Elsewhere its failures lock nobody out.
    assert try_password(Browser(limited_app.test_client()), agent, ip, PASSWORD) == 302
    stranger = Browser(limited_app.test_client())
    assert [try_password(stranger, admin, ip) for _ in range(6)] == [422] * 5 + [429]
    assert try_password(mine, admin, ip, PASSWORD) == 429


def test_a_device_is_known_no_more_once_the_password_changed_and_its_cookie_signs_nobody_in(
    world: World, limited_app: Flask, ip: str
) -> None:
    email, mine = email_of(world, world.agent_id), Browser(limited_app.test_client())
    assert try_password(mine, email, ip, PASSWORD) == 302
    cookie = mine.client.get_cookie("known_device")
    assert cookie
    assert cookie.http_only
    other = Browser(limited_app.test_client())
    other.client.set_cookie("known_device", cookie.value)
    assert not is_signed_in(other)
    with world.session():
        db.session.get_one(User, world.agent_id).password_hash = "changed"
        db.session.commit()
    for _ in range(5):
        try_password(Browser(limited_app.test_client()), email, ip)
    assert try_password(other, email, ip) == 429
    for forged in ("", "x", cookie.value[:-2] + "AA"):
        other.client.set_cookie("known_device", forged)
        assert try_password(other, email, ip) == 429
