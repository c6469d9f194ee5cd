"""What keeps Cadence from starting is one clear line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from flask import Flask

from cadence_app import preflight
from cadence_app.preflight import NotReady, check_folder, check_port, check_servers


@pytest.mark.parametrize("port", ["0", "65536", "abc", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(NotReady, match=r"PORT is .*; it must be a number from 1 to 65535"):
        check_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_told(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        taken.listen()
        with pytest.raises(NotReady, match="can't be used"):
            check_port(host, str(taken.getsockname()[1]))


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotReady, match="can't be written"):
        check_folder(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://host/db", "must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/db", r"DATABASE_URL is out of reach: .*port 1"),
        ("REDIS_URL", "redis://127.0.0.1:1", "REDIS_URL is out of reach"),
        ("MAIL_SERVER", "127.0.0.1", "MAIL_SERVER 127.0.0.1, port 1, is out of reach"),
        # Where a cloud tells its machines their secrets is nobody's server.
        ("DATABASE_URL", "postgresql://me@169.254.169.254/db", "an address that is not to be reached"),
        ("REDIS_URL", "redis://169.254.169.254", "an address that is not to be reached"),
        ("MAIL_SERVER", "169.254.169.254", "an address that is not to be reached"),
        ("FILES_URL", "s3://bucket", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set"),
        ("FILES_URL", "gs://bucket", "write file:///folder or s3://bucket/prefix"),
    ],
)
def test_a_server_that_can_not_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv("MAIL_PORT", "1")
    monkeypatch.setenv(name, value)
    with pytest.raises(NotReady, match=says):
        check_servers()


def test_storage_at_a_link_local_address_is_told_and_one_that_is_away_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("FILES_URL", "s3://bucket/desk"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", "https://169.254.169.254"),
    ):
        monkeypatch.setenv(name, value)
    with pytest.raises(NotReady, match=r"The storage of FILES_URL .* not to be reached"):
        check_servers()
    # A desk whose storage is away takes texts, and so a STOP, all the same.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://storage.invalid")
    check_servers()


def test_servers_that_are_too_old_are_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "MIN_POSTGRES", 99)
    monkeypatch.setattr(preflight, "MIN_REDIS", 99)
    with monkeypatch.context() as patched:
        url = str(app.config["SUPERUSER_URL"]).replace("+psycopg", "")
        patched.setenv("DATABASE_URL", url)
        with pytest.raises(NotReady, match=r"DATABASE_URL is PostgreSQL \d+; Cadence needs 99 or newer"):
            check_servers()
    monkeypatch.setenv("REDIS_URL", app.config["RQ_CONNECTION"])
    with pytest.raises(NotReady, match=r"REDIS_URL is Redis [\d.]+; Cadence needs 99 or newer"):
        check_servers()
