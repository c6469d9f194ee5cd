"""The carriers that this installation knows: one driver each, and nobody else names them."""

from __future__ import annotations

from cadence_app.messaging.providers import aws, bandwidth, simulator, telnyx, twilio
from cadence_app.messaging.providers.base import Driver

_DRIVERS: dict[str, Driver] = {}


def register(driver: Driver) -> None:
    """Makes a carrier known by its code."""
    _DRIVERS[driver.code] = driver


def driver(code: str) -> Driver:
    """The carrier of this code. Errors: KeyError for one this installation does not know."""
    return _DRIVERS[code]


def carriers() -> list[Driver]:
    """Those with whom an organisation has accounts, in the order that pages show them."""
    return [each for each in _DRIVERS.values() if each.webhook]


for _each in (simulator, twilio, telnyx, bandwidth, aws):
    register(_each.DRIVER)
