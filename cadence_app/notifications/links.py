"""The signed link with which a recipient unsubscribes, without signing in."""

from __future__ import annotations

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from cadence_app import secret_keys
from cadence_app.notifications import service
from cadence_app.notifications.models import NotificationRecipient
from cadence_app.tenancy import use_tenant


def unsubscribe_url(recipient: NotificationRecipient) -> str:
    """Works for as long as the address is a recipient."""
    token = _signer().dumps([recipient.tenant_id, recipient.id])
    return f"{current_app.config['PUBLIC_URL']}/unsubscribe/{token}"


def unsubscribe_headers(recipient: NotificationRecipient) -> dict[str, str]:
    """What lets a mail program show its own button: RFC 2369, and one click by RFC 8058."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_url(recipient)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def recipient_of(token: str) -> NotificationRecipient | None:
    """Whose link this is; the session then works for their tenant. None for a link that is not ours, or of
    an address that is no recipient any more."""
    try:
        tenant_id, recipient_id = _signer().loads(token)
    except (BadSignature, ValueError):
        return None
    use_tenant(tenant_id)
    return service.find_recipient(recipient_id)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(secret_keys.signing(), salt="notification-unsubscribe")
