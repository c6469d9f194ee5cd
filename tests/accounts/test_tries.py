"""How tries are counted: the limits themselves, networks, and what the database keeps of them."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from cadence_app.accounts import tries
from cadence_app.accounts.tries import HOUR, LIMITS, Kind, Limit, TooMany, network_of
from cadence_app.extensions import db
from tests.accounts.arriving import email_of
from tests.accounts.trying import age_failures, try_password
from tests.world import Browser, World

_limits = st.builds(
    Limit,
    free=st.integers(1, 10),
    first=st.integers(1, 60),
    longest=st.integers(60, 900),
    most=st.integers(10, 100),
)


@given(limit=_limits, gaps=st.lists(st.floats(0, 120), max_size=150))
def test_whoever_comes_as_early_as_allowed_never_has_more_tries_in_an_hour(
    limit: Limit, gaps: list[float]
) -> None:
    now = 0.0
    made: list[float] = []
    for gap in gaps:
        now += gap
        ages = [now - at for at in reversed(made) if now - at < HOUR]
        now += limit.wait(ages)
        made.append(now)
        assert sum(now - at < HOUR - 1e-6 for at in made) <= limit.most


@given(limit=_limits, count=st.integers(0, 200))
def test_the_wait_grows_with_each_failure_up_to_its_longest(limit: Limit, count: int) -> None:
    waits = [limit.wait([0.0] * failed) for failed in range(min(count, limit.most))]
    assert waits == sorted(waits)
    assert all(wait == 0 for wait in waits[: limit.free])
    assert all(0 < wait <= limit.longest for wait in waits[limit.free :])


def test_strangers_and_who_is_signed_in_have_a_hundred_tries_an_hour_at_most() -> None:
    assert LIMITS[Kind.PASSWORD].most + LIMITS[Kind.REENTRY].most <= 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.250", True),
        ("198.51.100.7", "198.51.101.7", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.7", "198.51.100.9", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "unknown", False),
        # Whoever has a network of IPv6 writes what they like into its last 64 bits.
        ("2001:db8:1:2:0:5efe:c633:6401", "2001:db8:1:2:200:5efe:cb00:7101", True),
        ("2001:db8:1:2:0:5efe:198.51.100.7", "198.51.100.7", False),
        ("64:ff9b::198.51.100.7", "198.51.100.7", False),
        # Some proxies name the client's port too, which is another one each time.
        ("198.51.100.7:50001", "198.51.100.9:50002", True),
        ("198.51.100.7:50001", "198.51.100.9", True),
        ("[2001:db8:1:2::1]:50001", "2001:db8:1:2::9", True),
        ("[::ffff:198.51.100.7]:50001", "198.51.100.9", True),
    ],
)
def test_a_network_is_24_bits_of_ipv4_and_64_of_ipv6(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) == same


def test_a_network_is_counted_over_all_the_accounts_it_tries(limited_app: Flask, ip: str) -> None:
    with limited_app.app_context():
        for _ in range(LIMITS[Kind.NETWORK].free):
            tries.begin((Kind.NETWORK, network_of(ip)))
    browser = Browser(limited_app.test_client())
    assert try_password(browser, f"new{uuid.uuid4().hex}@college.example", ip) == 429
    elsewhere = f"2001:db9::{uuid.uuid4().hex[:4]}"
    assert try_password(browser, f"new{uuid.uuid4().hex}@college.example", elsewhere) == 422


def test_a_forged_forwarding_header_is_no_other_network(world: World, limited_app: Flask, ip: str) -> None:
    email, browser = email_of(world, world.agent_id), Browser(limited_app.test_client())
    statuses = []
    for at in range(7):
        answer = browser.post(
            "/login",
            {"email": f"{at}{email}", "password": "wrong"},
            token_from="/login",
            environ_overrides={"REMOTE_ADDR": ip},
            headers={"X-Forwarded-For": f"203.0.113.{at}"},
        )
        statuses.append(answer.status_code)
    assert statuses == [422] * 7
    with limited_app.app_context():
        for _ in range(LIMITS[Kind.NETWORK].free - 7):
            tries.begin((Kind.NETWORK, network_of(ip)))
        with pytest.raises(TooMany):
            tries.begin((Kind.NETWORK, network_of(ip)))


def test_many_at_once_are_counted_one_after_the_other(limited_app: Flask) -> None:
    counted, refused = [], []

    def one() -> None:
        with limited_app.app_context():
            try:
                counted.append(tries.begin((Kind.PASSWORD, "all at once"), (Kind.NETWORK, "all at once")))
            except TooMany as early:
                refused.append(early)

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(counted), len(refused)) == (5, 15)


def test_a_right_try_is_given_back_and_a_wrong_one_is_forgotten_after_an_hour(limited_app: Flask) -> None:
    with limited_app.app_context():
        for _ in range(20):
            tries.begin((Kind.CODE, "right")).give_back()
        for _ in range(5):
            tries.begin((Kind.CODE, "wrong"))
        with pytest.raises(TooMany):
            tries.begin((Kind.CODE, "wrong"))
    age_failures(limited_app, HOUR + 1)
    with limited_app.app_context():
        tries.begin((Kind.CODE, "wrong"))
        tries.forget_old()
        old = text("SELECT count(*) FROM failed_tries WHERE at < now() - interval '1 hour'")
        assert db.session.scalar(old) == 0


def test_nothing_that_was_tried_can_be_read_in_the_database(
    world: World, limited_app: Flask, ip: str
) -> None:
    email = f"somebody{uuid.uuid4().hex}@college.example"
    try_password(Browser(limited_app.test_client()), email, ip)
    with world.session():
        rows = "\n".join(db.session.scalars(text("SELECT failed_tries::text FROM failed_tries")).all())
    assert email.encode().hex() not in rows
    assert email not in rows


def test_the_limits_are_held_without_redis(world: World, limited_app: Flask, ip: str) -> None:
    """They are in PostgreSQL, as the accounts are; what Redis counts besides falls back on memory."""
    began, key = time.monotonic(), f"no redis {ip}"
    with limited_app.app_context():
        for _ in range(5):
            tries.begin((Kind.PASSWORD, key))
        with pytest.raises(TooMany):
            tries.begin((Kind.PASSWORD, key))
    # And nobody was kept waiting.
    assert time.monotonic() - began < 5
