"""Where AWS's services are, and what is known of a text on its way there and back."""

from __future__ import annotations

from cadence_app.messaging.providers.base import api_url

CODE = "aws"
# A region becomes a part of the address that AWS is called at: letters, digits and hyphens.
REGION = r"[a-z]{2}(-[a-z]{2,12}){1,2}-\d{1,2}"
HOME = "https://{service}.{region}.amazonaws.com"
# Of the context of a text: it brings our key back with each event.
CONTEXT_KEY = "cadence"


def place_of(service: str, region: str) -> str:
    """Where a service of AWS is."""
    return api_url(CODE, HOME).format(service=service, region=region)
