"""Reads the setting in which an operator names networks, for connections that may reach private ones
(policy.py). Which networks are private, or never reached, is in addresses.py.
"""

from __future__ import annotations

import ipaddress
import re

from cadence_app.outbound.addresses import PRIVATE, Network, never_whole

_OFF = {"", "0", "false", "no", "off"}
_ON = {"1", "true", "yes", "on"}


def networks_of(name: str, text: str) -> tuple[Network, ...]:
    """The networks of a setting: "10.20.0.0/16, 192.168.4.7", "off" for none, "on" for every private one and
    this machine. Errors: ValueError, naming the setting, for what is no network and for one that is never
    reached."""
    said = text.strip().lower()
    if said in _OFF:
        return ()
    if said in _ON:
        return PRIVATE
    return tuple(_network(name, each) for each in re.split(r"[,\s]+", said) if each)


def _network(name: str, text: str) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            f"{name} has {text!r}; write networks such as 10.20.0.0/16, parted by commas."
        ) from error
    if never_whole(network):
        raise ValueError(f"{name} has {text!r}, where Cadence never connects to.")
    return network
