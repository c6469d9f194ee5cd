"""Which addresses a webhook may go to, in words for the admin who saves one.

Checked when an admin saves the address, and again at every connection: what a name stands for can change.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from cadence_app.outbound import gate
from cadence_app.outbound.gate import NotConnected, Refusal, Refused
from cadence_app.outbound.policy import POLICIES, Kind

MAX_URL = 2000
PRIVATE = "This address is inside a private network, where webhooks must not go."
_WORDS = {
    Refusal.NO_ADDRESS: "This is no address. Write one such as https://records.example.edu/cadence.",
    Refusal.SCHEME: "The address must begin with https://, because what is sent is personal.",
    Refusal.USER: "Leave out user name, password and what follows #.",
    Refusal.PORT: "The address has a port on which no web server listens.",
    Refusal.ADDRESS: PRIVATE,
}


def problem_of(url: str) -> str:
    """What keeps a webhook from this address, as a sentence; empty where nothing does. A name that can't be
    looked up just now is let through: the first try will tell."""
    if len(url) > MAX_URL:
        return f"The address is longer than {MAX_URL:,} characters."
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "The address has a character that does not belong there."
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            return "Write the whole address, such as https://records.example.edu/cadence."
        if parts.fragment:
            return _WORDS[Refusal.USER]
        target = gate.target_of(Kind.WEBHOOK, url)
        seconds = POLICIES[Kind.WEBHOOK].connect_seconds
        gate.find(Kind.WEBHOOK, target.host, target.port, seconds, plain=target.scheme == "http")
    except ValueError:
        return _WORDS[Refusal.NO_ADDRESS]
    except Refused as refusal:
        return _WORDS[refusal.refusal]
    except NotConnected:
        return ""
    return ""
