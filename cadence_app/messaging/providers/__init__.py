"""Who carries a text: one file a provider."""

from __future__ import annotations

from cadence_app.messaging.providers.base import Provider
from cadence_app.messaging.providers.simulator import Simulator

_PROVIDERS: dict[str, Provider] = {"simulator": Simulator()}


def provider_named(name: str) -> Provider:
    """The provider of an inbox. Errors: KeyError for one this installation does not know."""
    return _PROVIDERS[name]


def register(name: str, provider: Provider) -> None:
    """Makes a provider known by a name that inboxes have."""
    _PROVIDERS[name] = provider
