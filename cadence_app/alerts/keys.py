"""The tenant's key pair for push services (RFC 8292, Voluntary Application Server Identification)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from urllib.parse import urlsplit

from flask import current_app
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.alerts.encoding import decoded, encoded
from cadence_app.alerts.models import PushKey
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use
from cadence_app.vault import Unreadable, decrypt, encrypt

# At most 24 hours (RFC 8292, section 2).
_GOOD_FOR = timedelta(hours=12)


def public_key() -> str:
    """The tenant's, as `applicationServerKey` wants it; made, once, where there is none. One whose private
    half can't be read any more, after SECRET_KEY was lost, is made anew. Commits."""
    found = db.session.get(PushKey, tenant_in_use(), populate_existing=True)
    if found and _readable(found):
        return found.public_key
    if found:
        stale = delete(PushKey).where(PushKey.tenant_id == tenant_in_use())
        db.session.execute(stale.where(PushKey.public_key == found.public_key))
        db.session.expunge(found)
    made = ECKey.generate_key("P-256", private=True).as_dict(private=True)
    point = b"\x04" + decoded(str(made["x"])) + decoded(str(made["y"]))
    db.session.execute(
        upsert(PushKey)
        .values(
            tenant_id=tenant_in_use(),
            public_key=encoded(point),
            private_key=encrypt(str(made["d"])),
        )
        .on_conflict_do_nothing(index_elements=["tenant_id"])
    )
    db.session.commit()
    return db.session.get_one(PushKey, tenant_in_use(), populate_existing=True).public_key


class Signer:
    """Signs for one tenant's notices. Errors: Unreadable."""

    def __init__(self, key: PushKey) -> None:
        point = decoded(key.public_key)
        self.public_key = key.public_key
        self._key = ECKey.import_key(
            {
                "kty": "EC",
                "crv": "P-256",
                "x": encoded(point[1:33]),
                "y": encoded(point[33:]),
                "d": decrypt(key.private_key),
            }
        )
        self._made: dict[str, str] = {}

    def authorization(self, endpoint: str) -> str:
        """The header for a push service, whose origin is in what is signed."""
        parts = urlsplit(endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._made:
            until = int((datetime.now(UTC) + _GOOD_FOR).timestamp())
            claims = {"aud": origin, "exp": until, "sub": _contact()}
            self._made[origin] = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._key)
        return f"vapid t={self._made[origin]}, k={self.public_key}"


def signer() -> Signer | None:
    """None where the tenant has no key that can be read."""
    found = db.session.get(PushKey, tenant_in_use())
    try:
        return Signer(found) if found else None
    except Unreadable:
        return None


def _readable(key: PushKey) -> bool:
    try:
        decrypt(key.private_key)
    except Unreadable:
        return False
    return True


def _contact() -> str:
    """Whom a push service may write to: this site, or, where it has no https address, its mails' sender."""
    url: str = current_app.config["PUBLIC_URL"]
    if url.startswith("https://"):
        return url
    return f"mailto:{parseaddr(current_app.config['MAIL_DEFAULT_SENDER'])[1]}"
