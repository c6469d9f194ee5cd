"""What is never reached, in every way to write it, and what an operator may open."""

from __future__ import annotations

import ipaddress

import pytest
from flask import Flask
from hypothesis import assume, given
from hypothesis import strategies as st

from cadence_app.outbound import addresses, gate
from cadence_app.outbound.addresses import PRIVATE
from cadence_app.outbound.gate import Refusal, Refused
from cadence_app.outbound.networks_setting import networks_of
from cadence_app.outbound.policy import POLICIES, Kind, Reach, allows

_SECRETS = ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192")
_NEVER = ("0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "fe80::1%lo", "febf::9", "fec0::1")


def _forms(address: ipaddress.IPv4Address) -> list[str]:
    """The ways in which an IPv6 address stands for an IPv4 one."""
    number = int(address)
    return [
        str(address),
        f"::ffff:{address}",
        f"::{address}",
        f"::ffff:0:{address}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{address}",
        str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80))),
        str(ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))),
        str(ipaddress.IPv6Address((0x20010DB8 << 96) | (0x5EFE << 32) | number)),
        str(ipaddress.IPv6Address((0x20010DB8 << 96) | (0x02005EFE << 32) | number)),
    ]


@pytest.fixture
def open_to_all(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Every network is named in every setting, and it is development."""
    everything = networks_of("X", "0.0.0.0/0 ::/0")
    for name in ("WEBHOOK_PRIVATE_NETWORKS", "SSO_PRIVATE_NETWORKS", "PRIVATE_DESTINATIONS"):
        monkeypatch.setitem(app.config, name, everything)
    for name in ("DEV_TOOLS", "SSO_LOOPBACK"):
        monkeypatch.setitem(app.config, name, True)
    return app


@pytest.mark.parametrize("kind", list(Kind))
def test_link_local_and_metadata_addresses_are_never_reached_whatever_is_set(
    open_to_all: Flask, kind: Kind
) -> None:
    written = [form for each in _SECRETS for form in _forms(ipaddress.IPv4Address(each))]
    with open_to_all.app_context():
        for each in (*written, *_NEVER, "fd00:ec2::254", "fd20:ce::254", "ff02::1"):
            assert not allows(kind, each), each
            with pytest.raises(Refused) as refused:
                gate.find(kind, each, 443, 5)
            assert refused.value.refusal == Refusal.ADDRESS


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_way_to_write_it(address: ipaddress.IPv4Address) -> None:
    plain = str(address)
    # Of these two, one form is an address of its own: :: and ::1.
    assume(int(address) > 1)
    for form in _forms(address):
        assert addresses.meant(form) == address
        assert addresses.never(form) == addresses.never(plain)
        assert addresses.public(form) == addresses.public(plain)


@given(st.ip_addresses())
def test_what_is_never_reached_is_not_public_and_what_is_private_is_not_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    text = str(address)
    assert not (addresses.public(text) and (addresses.never(text) or addresses.within(text, PRIVATE)))
    assert not (addresses.public(text) and (address.is_link_local or address.is_loopback))


@pytest.mark.parametrize("kind", [kind for kind in Kind if POLICIES[kind].reach != Reach.OPERATORS])
def test_without_a_setting_only_public_addresses_are_reached(
    app: Flask, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WEBHOOK_PRIVATE_NETWORKS", "SSO_PRIVATE_NETWORKS", "PRIVATE_DESTINATIONS"):
        monkeypatch.setitem(app.config, name, ())
    for name in ("DEV_TOOLS", "SSO_LOOPBACK"):
        monkeypatch.setitem(app.config, name, False)
    inside = ("127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.0.9", "100.64.0.1", "192.0.2.1", "198.18.0.1")
    with app.app_context():
        for each in (*inside, "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"):
            assert not allows(kind, each), each
        for each in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"):
            assert allows(kind, each), each
            assert gate.find(kind, each, 443, 5) == [each]


def test_only_the_networks_that_are_named_are_opened(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    named = networks_of("CADENCE_PRIVATE_DESTINATIONS", "10.20.0.0/16, 192.168.4.7 fd12::/16")
    monkeypatch.setitem(app.config, "PRIVATE_DESTINATIONS", named)
    monkeypatch.setitem(app.config, "WEBHOOK_PRIVATE_NETWORKS", ())
    monkeypatch.setitem(app.config, "DEV_TOOLS", False)
    with app.app_context():
        for each in ("10.20.3.4", "192.168.4.7", "fd12::9", "::ffff:10.20.3.4"):
            assert allows(Kind.SFTP, each)
            assert allows(Kind.S3, each)
            assert not allows(Kind.WEBHOOK, each)
        for each in ("10.21.0.1", "192.168.4.8", "127.0.0.1", "fd13::1"):
            assert not allows(Kind.SFTP, each)


def test_a_setting_names_networks_all_private_ones_or_none() -> None:
    assert networks_of("X", "") == networks_of("X", " off ") == ()
    assert networks_of("X", "on") == PRIVATE
    assert networks_of("X", "10.0.0.7") == (ipaddress.ip_network("10.0.0.7/32"),)
    for wrong in ("10.0.0.0/33", "maybe", "169.254.0.0/16", "fe80::/64", "10.0.0.1 169.254.169.254"):
        with pytest.raises(ValueError, match="CADENCE_X has '"):
            networks_of("CADENCE_X", wrong)


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("https://2130706433/", Refusal.NO_ADDRESS),
        ("https://0x7f000001/", Refusal.NO_ADDRESS),
        ("https://0177.0.0.1/", Refusal.NO_ADDRESS),
        ("https://127.1/", Refusal.NO_ADDRESS),
        ("https://127.0.0.1./", Refusal.NO_ADDRESS),
        ("https://[fe80::1%25lo]/", None),
        ("https:///path", Refusal.NO_ADDRESS),
        ("https://college.example:99999/", Refusal.NO_ADDRESS),
        ("https://[::1/", Refusal.NO_ADDRESS),
        ("https://college.example\t.evil.example/", Refusal.NO_ADDRESS),
        ("https://coll\u00e9ge.example/", Refusal.NO_ADDRESS),
        ("https://me:secret@college.example/", Refusal.USER),
        ("https://college.example@127.0.0.1/", Refusal.USER),
        ("https://@college.example/", Refusal.USER),
        ("http://college.example/", Refusal.SCHEME),
        ("ftp://college.example/", Refusal.SCHEME),
        ("file:///etc/passwd", Refusal.NO_ADDRESS),
        ("gopher://college.example/", Refusal.SCHEME),
        ("https://college.example:0/", Refusal.PORT),
        ("https://college.example:25/", Refusal.PORT),
        ("https://college.example:6379/", Refusal.PORT),
        ("https://college.example:8443/", None),
        ("https://college.example", None),
        ("https://10.0.0.1/", None),
    ],
)
@pytest.mark.parametrize("kind", [Kind.WEBHOOK, Kind.SINGLE_SIGN_ON, Kind.MEDIA])
def test_an_address_is_read_strictly(app: Flask, kind: Kind, url: str, refusal: Refusal | None) -> None:
    with app.app_context():
        if refusal is None:
            assert gate.target_of(kind, url).scheme == "https"
            return
        with pytest.raises(Refused) as refused:
            gate.target_of(kind, url)
        assert refused.value.refusal == refusal


@pytest.mark.parametrize("host", ["2130706433", "0x7f.0.0.1", "0177.1", "127.1", "0"])
def test_a_host_that_only_the_resolver_reads_as_an_address_is_judged_by_what_it_is_read_as(
    app: Flask, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PRIVATE_DESTINATIONS", ())
    with app.app_context(), pytest.raises(Refused):
        gate.find(Kind.SFTP, host, 22, 5)


def test_plain_http_is_for_this_machine_or_for_storage_in_a_named_network(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        for kind in (Kind.WEBHOOK, Kind.SINGLE_SIGN_ON):
            assert gate.target_of(kind, "http://localhost:5000").port == 5000
            with pytest.raises(Refused):
                gate.target_of(kind, "http://10.0.0.1:5000")
        monkeypatch.setitem(app.config, "PRIVATE_DESTINATIONS", networks_of("X", "10.0.0.0/8"))
        assert gate.target_of(Kind.S3, "http://10.0.0.1:9000").scheme == "http"
        assert gate.find(Kind.S3, "10.0.0.1", 9000, 5, plain=True) == ["10.0.0.1"]
        for public in ("8.8.8.8", "127.0.0.1"):
            with pytest.raises(Refused):
                gate.find(Kind.S3, public, 9000, 5, plain=True)
        assert gate.find(Kind.S3, "8.8.8.8", 443, 5) == ["8.8.8.8"]
        for name in ("DEV_TOOLS", "SSO_LOOPBACK"):
            monkeypatch.setitem(app.config, name, False)
        for kind in (Kind.WEBHOOK, Kind.SINGLE_SIGN_ON, Kind.MEDIA):
            with pytest.raises(Refused):
                gate.target_of(kind, "http://127.0.0.1:5000")
