"""The operator's own storage is reached by the gate, at the address that was looked at; nothing else is."""

from __future__ import annotations

import gc
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from obstore.exceptions import BaseError

from cadence_app import files
from cadence_app.outbound import own_storage
from cadence_app.outbound.gate import Refused
from cadence_app.outbound.narrow_way import NarrowWay
from cadence_app.outbound.own_storage import OwnBucket, bucket_of
from cadence_app.outbound.policy import POLICIES, Kind
from tests.conftest import free_port
from tests.outbound.answering import answer_of, answering
from tests.outbound.certificates import certificate_for
from tests.reports.servers import KEY_ID, SECRET_KEY, s3_serving

_NAME = "storage.example"
_KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
_ROLE = "arn:aws:iam::1:role/x"
_MB = 1024 * 1024


def _head(size: int) -> bytes:
    """How storage begins to send a file."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {size}", "ETag: x"]
    lines += ["Last-Modified: Mon, 05 Jan 2026 08:00:00 GMT", "", ""]
    return "\r\n".join(lines).encode()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("storage")
    (folder / "bucket").mkdir()
    with s3_serving(folder) as url:
        yield url, folder / "bucket" / "desk"


@pytest.fixture(autouse=True)
def in_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(own_storage, "_RETRIES", 0)
    with app.app_context():
        yield app


@pytest.fixture
def held_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test can wait for."""
    monkeypatch.setitem(
        POLICIES, Kind.FILES, replace(POLICIES[Kind.FILES], silent_seconds=0.1, most_bytes=4 * _MB)
    )


def _use(app: Flask, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> OwnBucket:
    given = _KEYS | {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}
    bucket = bucket_of("s3://bucket/desk", given)
    assert bucket
    monkeypatch.setitem(app.config, "FILES_BUCKET", bucket)
    return bucket


def test_files_go_to_the_bucket_at_the_address_that_was_looked_at(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, storage: tuple[str, Path], names: dict[str, list[str]]
) -> None:
    url, folder = storage
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    _use(in_app, monkeypatch, f"http://{_NAME}:{url.rpartition(':')[2]}")
    # One look for each use; a second look-up in one, of whoever, would find another.
    names[_NAME] = ["127.0.0.1"] * 5 + ["127.0.0.2"] * 2
    with files.writer("exports/7/large.csv") as stored:
        stored.write(b"x" * 6_000_000)
        stored.write(b"end")
    assert (folder / "exports/7/large.csv").stat().st_size == 6_000_003
    assert b"".join(files.chunks("exports/7/large.csv")) == b"x" * 6_000_000 + b"end"
    files.write("media/7/a.png", b"picture")
    assert files.read("media/7/a.png") == b"picture"
    files.remove("media/7/a.png")
    assert not (folder / "media/7/a.png").exists()
    assert names[_NAME] == ["127.0.0.2"] * 2
    with pytest.raises(BaseError, match="502 Bad Gateway"):
        files.read("exports/7/large.csv")
    assert names[_NAME] == ["127.0.0.2"]


def test_over_tls_the_certificate_is_verified_against_the_name(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: dict[str, list[str]]
) -> None:
    certificate = certificate_for(tmp_path, _NAME)
    (tmp_path / "all" / "bucket").mkdir(parents=True)
    with s3_serving(tmp_path / "all", certificate) as url:
        _use(in_app, monkeypatch, f"https://{_NAME}:{url.rpartition(':')[2]}")
        names[_NAME] = ["127.0.0.1"] * 3
        with pytest.raises(BaseError):
            files.write("exports/7/a.csv", b"nobody vouches for the server")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        # Several parts.
        with files.writer("exports/7/a.csv") as stored:
            stored.write(b"x" * 11 * _MB)
        assert files.read("exports/7/a.csv") == b"x" * 11 * _MB
        assert names[_NAME] == []
        _use(in_app, monkeypatch, url)
        with pytest.raises(BaseError):
            files.read("exports/7/a.csv")


def test_a_file_that_is_not_there_is_told_and_one_that_broke_off_never_appears(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, storage: tuple[str, Path]
) -> None:
    url, folder = storage
    _use(in_app, monkeypatch, url)
    with pytest.raises(FileNotFoundError):
        files.chunks("exports/7/none.csv")
    files.remove("exports/7/none.csv")

    def break_off() -> None:
        with files.writer("exports/7/half.csv") as stored:
            stored.write(b"x" * 6_000_000)
            raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        break_off()
    assert not (folder / "exports/7/half.csv").exists()


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200"])
def test_no_endpoint_is_where_a_cloud_keeps_its_machines_secrets(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    _use(in_app, monkeypatch, f"http://{host}")
    with pytest.raises(Refused):
        files.write("media/7/a.png", b"x")


@pytest.mark.parametrize("missing", list(_KEYS))
def test_without_a_key_nobody_is_asked_for_one(missing: str) -> None:
    role = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
    }
    with pytest.raises(ValueError, match="asks no metadata service"):
        bucket_of("s3://bucket", {name: value for name, value in _KEYS.items() if name != missing} | role)


def test_with_a_key_no_service_for_roles_of_the_environment_is_asked(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, storage: tuple[str, Path]
) -> None:
    _use(in_app, monkeypatch, storage[0])
    with answering([answer_of()]) as service:
        for name in ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_METADATA_ENDPOINT", "AWS_ENDPOINT_URL_STS"):
            monkeypatch.setenv(name, service.url)
        monkeypatch.setenv("AWS_ROLE_ARN", _ROLE)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", os.devnull)
        files.write("media/7/role.png", b"x")
        assert service.taken == []


@pytest.mark.parametrize("to", ["http://127.0.0.2:{other}/x", "http://127.0.0.1:{other}/x"])
def test_storage_that_redirects_elsewhere_leads_nowhere(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    port = free_port()
    with answering([answer_of(b"secret")], to.partition("//")[2].partition(":")[0], port) as other:
        led = answer_of(b"", f"Location: {to.format(other=port)}", status="307 Temporary Redirect")
        with answering([led]) as server:
            _use(in_app, monkeypatch, server.url)
            for use in (lambda: files.write("media/7/a.png", b"x"), lambda: files.read("media/7/a.png")):
                with pytest.raises(BaseError):
                    use()
            assert server.taken
        assert other.taken == []


@pytest.mark.usefixtures("held_to")
def test_storage_that_falls_silent_is_given_up(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def fall_silent() -> Iterator[bytes]:
        yield _head(9) + b"half"
        over.wait(10)

    with answering(fall_silent()) as server:
        _use(in_app, monkeypatch, server.url)
        began = time.monotonic()
        with pytest.raises(BaseError):
            files.read("exports/7/a.csv")
        assert time.monotonic() - began < 5
    over.set()


@pytest.mark.usefixtures("held_to")
def test_who_reads_more_slowly_than_a_server_may_be_silent_gets_the_whole_file(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering([_head(24 * _MB), *[b"x" * _MB] * 24]) as server:
        _use(in_app, monkeypatch, server.url)
        pieces = files.chunks("exports/slow.csv")
        size = len(next(pieces))
        time.sleep(0.3)
        assert size + sum(map(len, pieces)) == 24 * _MB


@pytest.mark.usefixtures("held_to")
def test_storage_that_answers_without_end_is_cut(in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = itertools.chain(
        [b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"],
        itertools.repeat(b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    )
    with answering(endless) as server:
        _use(in_app, monkeypatch, server.url)
        with pytest.raises(BaseError):
            files.write("media/7/a.png", b"x")


def test_a_file_that_nobody_reads_to_its_end_holds_no_connection(
    in_app: Flask, monkeypatch: pytest.MonkeyPatch, storage: tuple[str, Path]
) -> None:
    url, _ = storage
    _use(in_app, monkeypatch, url)
    files.write("exports/left.csv", b"x" * 3 * _MB)
    ways: list[NarrowWay] = []
    usual = OwnBucket.way

    def noted(bucket: OwnBucket) -> NarrowWay:
        ways.append(usual(bucket))
        return ways[-1]

    monkeypatch.setattr(OwnBucket, "way", noted)
    pieces = files.chunks("exports/left.csv")
    next(pieces)
    pieces.close()
    del pieces
    forgotten = files.chunks("exports/left.csv")
    del forgotten
    gc.collect()
    list(files.chunks("exports/left.csv"))
    for way in ways:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(way.url.rpartition(":")[2])), timeout=1)


def test_what_the_environment_says_of_the_bucket() -> None:
    def read(url: str = "s3://bucket/a%20b/", **more: str) -> OwnBucket:
        found = bucket_of(url, _KEYS | more)
        assert found
        return found

    plain = read()
    assert (plain.name, plain.prefix, plain.endpoint) == (
        "bucket",
        "a b",
        "https://s3.us-east-1.amazonaws.com",
    )
    assert read(AWS_DEFAULT_REGION="eu-west-1").endpoint == "https://s3.eu-west-1.amazonaws.com"
    by_host = read(AWS_REGION="eu-west-1", AWS_VIRTUAL_HOSTED_STYLE_REQUEST="true")
    assert by_host.endpoint == "https://bucket.s3.eu-west-1.amazonaws.com"
    both = {"AWS_ENDPOINT": "https://b.example", "AWS_ENDPOINT_URL": "https://a.example/"}
    assert read(**both).endpoint == "https://a.example"
    assert read(AWS_SESSION_TOKEN="for an hour").token == "for an hour"
    assert SECRET_KEY not in repr(plain)
    assert bucket_of("file:///srv/files", {}) is None
    for url in ("gs://bucket", "https://bucket.s3.amazonaws.com", "s3:///prefix", "file://", "/srv/files"):
        with pytest.raises(ValueError, match=r"write file:///folder or s3://bucket/prefix"):
            bucket_of(url, _KEYS)
    for endpoint, says in (
        ("http://10.0.0.5:9000", "without TLS; AWS_ALLOW_HTTP=true allows that"),
        ("ftp://10.0.0.5", "must begin with https://"),
        ("https://me:secret@storage.example", "must not have a user name"),
        ("https://0x7f.1", "no address"),
        ("https://10.0.0.5:6379", "Port 6379"),
    ):
        with pytest.raises(ValueError, match=says):
            read(AWS_ENDPOINT_URL=endpoint)
    assert read(AWS_ENDPOINT_URL="http://10.0.0.5:9000", AWS_ALLOW_HTTP="true").target.port == 9000
