"""Where a webhook may go, and where it must not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from cadence_app.webhooks import destinations
from tests.webhooks.receiving import (
    Receiver,
    add_endpoint,
    deliver,
    deliveries,
    let_time_pass,
    receiver,
    set_status,
)
from tests.world import World

PATH = "/settings/webhooks"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    unencrypted = serialization.NoEncryption()
    pem = made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, unencrypted)
    path = tmp_path / "localhost.pem"
    path.write_bytes(pem)
    return path


def test_the_certificate_must_be_trusted_and_of_the_name_although_the_address_was_looked_up_before(
    world: World, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(certificate) as here:
        other_name = here.url.replace("localhost", "127.0.0.1")
        ids = [add_endpoint(world, url)[0] for url in (here.url, other_name)]
        change_id = set_status(world, world.add_contact())
        deliver(world, ids[0])
        assert "certificate is not trusted" in deliveries(world, ids[0])[0].tries[0].error
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        let_time_pass(world, ids[0])
        for endpoint_id in ids:
            deliver(world, endpoint_id)
        assert here.change_ids == [change_id]
    assert deliveries(world, ids[0])[0].state == "delivered"
    assert "certificate is not trusted" in deliveries(world, ids[1])[0].tries[0].error


def test_a_name_that_comes_to_stand_for_a_private_address_is_refused_when_sending(
    world: World, here: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint_id, _ = add_endpoint(world, here.url)
    monkeypatch.setitem(world.app.config, "DEV_TOOLS", False)
    set_status(world, world.add_contact())
    deliver(world, endpoint_id)
    assert here.taken == []
    assert deliveries(world, endpoint_id)[0].tries[0].error == destinations.PRIVATE
    answer = world.sign_in("admin").post(f"{PATH}/{endpoint_id}/edit", {"url": here.url})
    assert "must begin with https://" in answer.text


def test_a_name_that_no_server_knows_is_told_in_words(world: World) -> None:
    endpoint_id, _ = add_endpoint(world, "https://nowhere.invalid/hook")
    set_status(world, world.add_contact())
    deliver(world, endpoint_id)
    assert deliveries(world, endpoint_id)[0].tries[0].error == "This host name cannot be found."
