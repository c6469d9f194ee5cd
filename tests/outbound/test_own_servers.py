"""PostgreSQL and Redis are reached at the address that was looked at, and at no link-local one."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
import pytest
from flask import Flask
from limits.storage import RedisStorage
from psycopg.conninfo import conninfo_to_dict
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from cadence_app import embedded
from cadence_app.outbound.own_servers import database_connection, pin, redis_options
from cadence_app.redis_waits import PROMPT, PromptRedis
from tests.outbound.answering import leading_to
from tests.outbound.certificates import certificate_for

_NAME = "server.example"


def _pinned(**options: Any) -> tuple[Any, Any, Any]:
    pin(None, None, [], options)
    return options.get("host"), options.get("hostaddr"), options.get("port")


@pytest.fixture
def database(app: Flask) -> dict[str, Any]:
    """The options of psycopg for the embedded server."""
    return conninfo_to_dict(str(app.config["SUPERUSER_URL"]).replace("+psycopg", ""))


def test_the_database_is_reached_at_the_address_that_was_looked_at(
    database: dict[str, Any], names: dict[str, list[str]]
) -> None:
    with leading_to(f"{database['host']}/.s.PGSQL.{database.get('port', 5432)}") as server:
        # A second look-up, of whoever, would find another.
        names[_NAME] = ["127.0.0.1", "127.0.0.2"] * 2
        where = f"{_NAME}:{server.port}/{database['dbname']}?sslmode=disable"
        with database_connection(f"postgresql://{database['user']}@{where}") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert (connection.info.host, connection.info.hostaddr) == (_NAME, "127.0.0.1")
        names[_NAME].pop(0)
        engine = create_engine(f"postgresql+psycopg://{database['user']}@{where}")
        event.listen(engine, "do_connect", pin)
        with engine.connect() as connected:
            assert connected.scalar(text("SELECT 1")) == 1
        engine.dispose()
        assert names[_NAME] == ["127.0.0.2"]
        assert len(server.taken) == 2


def test_the_applications_own_engine_asks_the_gate(app: Flask) -> None:
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
        assert event.contains(engine, "do_connect", pin)


@pytest.mark.parametrize(
    "where", ["169.254.169.254", "[fe80::1]", "10.0.0.9,169.254.169.254", "rebound.example"]
)
def test_no_database_is_at_a_link_local_address(where: str, names: dict[str, list[str]]) -> None:
    names["rebound.example"] = ["169.254.169.254"] * 3
    with pytest.raises(psycopg.OperationalError, match="an address that is not to be reached"):
        database_connection(f"postgresql://me@{where}/x", connect_timeout=1)
    engine = create_engine(f"postgresql+psycopg://me@{where.partition(',')[0]}/x")
    event.listen(engine, "do_connect", pin)
    if "," not in where:
        with pytest.raises(OperationalError, match="an address that is not to be reached"):
            engine.connect()
    with pytest.raises(psycopg.OperationalError, match="an address that is not to be reached"):
        _pinned(hostaddr="169.254.169.254")


def test_each_of_several_hosts_gets_its_addresses_and_sockets_are_left_as_they_are(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    names["a.example"], names["b.example"] = ["10.0.0.1"] * 3, ["10.0.0.2"] * 3
    assert _pinned(host="a.example") == ("a.example", "10.0.0.1", "5432")
    assert _pinned(host="a.example,b.example", port=6432) == (
        "a.example,b.example",
        "10.0.0.1,10.0.0.2",
        "6432,6432",
    )
    assert _pinned(host="a.example,/run/postgresql", port="1,2") == (
        "a.example,/run/postgresql",
        "10.0.0.1,",
        "1,2",
    )
    assert _pinned(host="/run/postgresql", port=5432) == ("/run/postgresql", "", "5432")
    assert _pinned(host="b.example", hostaddr="10.0.0.7") == ("b.example", "10.0.0.7", "5432")
    assert _pinned() == (None, None, None)
    # One that is not found leaves the others.
    assert _pinned(host="nowhere.invalid,b.example", port=1) == ("b.example", "10.0.0.2", "1")
    with pytest.raises(psycopg.OperationalError, match="can't be found"):
        _pinned(host="nowhere.invalid")
    with pytest.raises(psycopg.OperationalError, match="as many ports"):
        _pinned(host="a,b,c", port="1,2")
    monkeypatch.setenv("PGHOST", "b.example")
    assert _pinned(dbname="x") == ("b.example", "10.0.0.2", "5432")
    monkeypatch.delenv("PGHOST")
    with pytest.raises(psycopg.OperationalError, match="not in a service file"):
        _pinned(service="desk")


def test_redis_is_reached_at_the_address_that_was_looked_at(app: Flask, names: dict[str, list[str]]) -> None:
    place = unquote(str(embedded.redis_socket(app.config["DATA_DIR"])))
    with leading_to(place) as server:
        names[_NAME] = ["127.0.0.1", "127.0.0.2"] * 2
        url = f"redis://{_NAME}:{server.port}"
        client = PromptRedis.from_url(url)
        assert client.ping()
        client.close()
        names[_NAME].pop(0)
        # What counts the calls of a token.
        counting = RedisStorage(url, **(PROMPT | redis_options(url)))
        assert counting.check()
        assert names[_NAME] == ["127.0.0.2"]
        assert len(server.taken) == 2


def test_redis_over_tls_is_verified_against_the_name(
    app: Flask, tmp_path: Path, names: dict[str, list[str]]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = certificate_for(tmp_path, _NAME)
    context.load_cert_chain(certificate)
    with leading_to(str(embedded.redis_socket(app.config["DATA_DIR"])), context) as server:
        names[_NAME] = names["other.example"] = ["127.0.0.1"] * 2
        client = PromptRedis.from_url(f"rediss://{_NAME}:{server.port}?ssl_ca_certs={certificate}")
        assert client.ping()
        client.close()
        with pytest.raises(RedisGone, match="certificate"):
            PromptRedis.from_url(f"rediss://other.example:{server.port}?ssl_ca_certs={certificate}").ping()


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "rebound.example"])
def test_no_redis_is_at_a_link_local_address(scheme: str, host: str, names: dict[str, list[str]]) -> None:
    names["rebound.example"] = ["169.254.169.254"]
    with pytest.raises(RedisGone, match="an address that is not to be reached"):
        PromptRedis.from_url(f"{scheme}://{host}:6379").ping()


def test_a_redis_at_a_socket_of_this_machine_is_left_as_it_is(app: Flask) -> None:
    url = str(app.config["RQ_CONNECTION"])
    assert url.startswith("unix:")
    assert redis_options(url) == {}
    assert PromptRedis.from_url(url).ping()
