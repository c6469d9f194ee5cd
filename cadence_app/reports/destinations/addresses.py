"""Which hosts Cadence connects to for an admin, who could otherwise make it knock at any door it can reach.

A server of an organisation's own network is the usual destination where Cadence is the organisation's own
too, so private addresses are allowed there. Who runs Cadence for others turns that off, by
PRIVATE_DESTINATIONS: their network is not the admins'. Link-local addresses are never allowed: a cloud keeps
its machines' secrets there.
"""

from __future__ import annotations

from flask import current_app

from cadence_app import addresses
from cadence_app.reports.destinations.problems import DeliveryProblem


def find(host: str, port: int) -> str:
    """The address to connect to for a host's name, so that what was checked is what is used. Errors:
    DeliveryProblem for a name that is not found and for an address that is not allowed."""
    try:
        return addresses.resolve(host, port, _allowed)[0]
    except addresses.Forbidden as error:
        raise DeliveryProblem(
            f"{host} has an address that files may not be delivered to", lasting=True
        ) from error
    except (OSError, UnicodeError) as error:
        raise DeliveryProblem(f"The name {host} was not found") from error


def _allowed(address: addresses.Address) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return bool(current_app.config["PRIVATE_DESTINATIONS"]) or address.is_global
