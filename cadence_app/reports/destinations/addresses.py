"""Which hosts Cadence connects to for an admin, who could otherwise make it knock at any door it can reach.

A server of an organisation's own network is the usual destination where Cadence is the organisation's own
too, so private addresses are allowed there. Who runs Cadence for others turns that off, by
PRIVATE_DESTINATIONS: their network is not the admins'. Link-local addresses are never allowed: a cloud keeps
its machines' secrets there.
"""

from __future__ import annotations

import ipaddress
import socket

from flask import current_app

from cadence_app.reports.destinations.problems import DeliveryProblem


def find(host: str, port: int) -> str:
    """The address to connect to for a host's name, so that what was checked is what is used. Errors:
    DeliveryProblem for a name that is not found and for an address that is not allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryProblem(f"The name {host} was not found") from error
    addresses = [str(entry[4][0]) for entry in found]
    # All of them: the next one to look may be given another.
    if not all(_allowed(address) for address in addresses):
        raise DeliveryProblem(f"{host} has an address that files may not be delivered to", lasting=True)
    return addresses[0]


def _allowed(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return bool(current_app.config["PRIVATE_DESTINATIONS"]) or address.is_global
