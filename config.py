"""Settings, read from the environment once, when the application is made.

Every variable and its default is listed in docs/configuration.md.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from cadence_app import database_roles, embedded, number_key
from cadence_app.outbound.addresses import Network
from cadence_app.outbound.networks import networks_of
from cadence_app.redis_waits import PROMPT, PromptRedis

_SECRET_KEY_FILE = "secret_key"  # noqa: S105 - a file's name
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    return default if not value else value in {"1", "true", "yes", "on"}


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    if value and not value.isdecimal():
        raise ValueError(f"{name} is {value!r}; it must be a whole number.")
    return int(value) if value else default


def _networks(name: str, default: bool = False) -> tuple[Network, ...]:
    """The networks that an operator names; `default` is whether every private one is without the setting."""
    return networks_of(name, os.environ.get(name) or ("on" if default else "off"))


def _carrier_url(name: str, default: str) -> str:
    """Where a carrier's API is: its own address, unless another stands in for it."""
    return (os.environ.get(name) or default).rstrip("/")


def database_url(url: str) -> str:
    """The SQLAlchemy address (psycopg 3) of a PostgreSQL URL in any of its common spellings."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return f"postgresql+psycopg://{rest}"


def _known_secret_key(data_dir: Path) -> str | None:
    """SECRET_KEY, or the one kept in the data folder; None where there is neither yet."""
    path = data_dir / _SECRET_KEY_FILE
    return os.environ.get("SECRET_KEY") or (path.read_text() if path.exists() else None)


def _secret_key(data_dir: Path) -> str:
    """The key that signs cookies: SECRET_KEY, or one made once and kept in the data folder."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    path = data_dir / _SECRET_KEY_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()


def load() -> dict[str, Any]:
    """Every setting of the application; errors: ValueError for a value that can't be used."""
    data_dir = Path(os.environ.get("CADENCE_DATA_DIR", "instance")).resolve()
    app_url = os.environ.get("DATABASE_URL", "")
    owner_url = os.environ.get("DATABASE_OWNER_URL", "")
    embedded_database = not app_url
    if embedded_database and owner_url:
        raise ValueError("DATABASE_OWNER_URL is given without DATABASE_URL.")
    if embedded_database:
        app_url, owner_url = database_roles.prepare_embedded(embedded.ensure_postgres(data_dir))
    embedded_mail = not os.environ.get("MAIL_SERVER")
    all_embedded = embedded_database and embedded_mail and not os.environ.get("REDIS_URL")
    redis_url = os.environ.get("REDIS_URL") or embedded.redis_url(data_dir)
    proxies = _number("CADENCE_TRUSTED_PROXIES", 0)
    public_url = os.environ.get("CADENCE_PUBLIC_URL", f"http://127.0.0.1:{os.environ.get('PORT', '5000')}")
    session_days = _number("CADENCE_SESSION_DAYS", 7)
    # The phone simulator and the mailbox have no sign-in: by themselves they are only for who sits here.
    here_only = os.environ.get("HOST", "127.0.0.1") in _LOOPBACK and not proxies
    # Before _secret_key() makes one: an installation that had one hashed numbers with it.
    stops_key = number_key.load_or_make(data_dir, _known_secret_key(data_dir))
    return {
        "DATA_DIR": data_dir,
        "SECRET_KEY": _secret_key(data_dir),
        "NUMBER_KEY": stops_key,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": _flag("CADENCE_SECURE_COOKIES", public_url.startswith("https://")),
        "PERMANENT_SESSION_LIFETIME": session_days * 24 * 3600,
        "SESSION_IDLE_MINUTES": _number("CADENCE_SESSION_IDLE_MINUTES", 12 * 60),
        "SESSION_DAYS": session_days,
        # In development a provider may run on this machine, without https.
        "SSO_LOOPBACK": _flag("CADENCE_SSO_LOOPBACK", all_embedded and here_only),
        "SSO_PRIVATE_NETWORKS": _networks("CADENCE_SSO_PRIVATE_NETWORKS"),
        "RESET_LINK_MINUTES": 60,
        "INVITATION_DAYS": 7,
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        # Their addresses carry a digest of the content (ui/__init__.py).
        "SEND_FILE_MAX_AGE_DEFAULT": 365 * 24 * 3600,
        "WTF_CSRF_TIME_LIMIT": None,
        "PUBLIC_URL": public_url.rstrip("/"),
        "TRUSTED_PROXIES": proxies,
        "SQLALCHEMY_DATABASE_URI": database_url(app_url),
        # Nothing is set as a connection opens, nor kept in it: behind a pooler it is another one each time
        # (tenancy.py sets what a transaction needs).
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "connect_args": {"connect_timeout": 5, "prepare_threshold": None},
            "pool_pre_ping": True,
            "pool_size": 10,
            "max_overflow": 20,
        },
        # Only migrations and `flask cadence prepare-database` need it.
        "DATABASE_OWNER_URL": database_url(owner_url) if owner_url else "",
        "RQ_CONNECTION": redis_url,
        "RQ_CONNECTION_CLASS": PromptRedis,
        "RQ_QUEUES": ["texts", "campaigns", "mails", "reports", "imports", "webhooks", "media", "sweeps"],
        "RQ_ASYNC": True,
        "RATELIMIT_STORAGE_URI": redis_url.replace("unix://", "redis+unix://", 1),
        "RATELIMIT_STORAGE_OPTIONS": dict(PROMPT),
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_HEADERS_ENABLED": True,
        "API_RATE_LIMIT": os.environ.get("CADENCE_API_RATE_LIMIT", "600 per minute"),
        "TWILIO_API_URL": _carrier_url("CADENCE_TWILIO_API_URL", "https://api.twilio.com"),
        "TELNYX_API_URL": _carrier_url("CADENCE_TELNYX_API_URL", "https://api.telnyx.com"),
        "BANDWIDTH_API_URL": _carrier_url("CADENCE_BANDWIDTH_API_URL", "https://messaging.bandwidth.com"),
        "AWS_API_URL": _carrier_url("CADENCE_AWS_API_URL", "https://{service}.{region}.amazonaws.com"),
        "CARRIER_PROXY": os.environ.get("CADENCE_CARRIER_PROXY", ""),
        "MAIL_SERVER": os.environ.get("MAIL_SERVER", "127.0.0.1"),
        "MAIL_PORT": _number("MAIL_PORT", 25),
        "MAIL_USERNAME": os.environ.get("MAIL_USERNAME"),
        "MAIL_PASSWORD": os.environ.get("MAIL_PASSWORD"),
        "MAIL_USE_TLS": _flag("MAIL_USE_TLS", False),
        "MAIL_USE_SSL": _flag("MAIL_USE_SSL", False),
        "MAIL_TLS_VERIFY": _flag("MAIL_TLS_VERIFY", True),
        "MAIL_DEFAULT_SENDER": os.environ.get("MAIL_DEFAULT_SENDER", "Cadence <no-reply@cadence.example>"),
        "MAIL_ATTACHMENT_LIMIT": _number("MAIL_ATTACHMENT_LIMIT", 10 * 1024 * 1024),
        "MAIL_DIR": Path(os.environ.get("CADENCE_MAIL_DIR") or data_dir / "mail"),
        "FILES_URL": os.environ.get("FILES_URL") or (data_dir / "files").as_uri(),
        "EXPORT_LINK_DAYS": 7,
        "WEBHOOK_PRIVATE_NETWORKS": _networks("CADENCE_WEBHOOK_PRIVATE_NETWORKS"),
        "WEBHOOK_LOG_DAYS": _number("CADENCE_WEBHOOK_LOG_DAYS", 30),
        "WEBHOOK_GIVE_UP_DAYS": _number("CADENCE_WEBHOOK_GIVE_UP_DAYS", 5),
        "IMPORT_MAX_BYTES": _number("CADENCE_IMPORT_MAX_BYTES", 100_000_000),
        "IMPORT_MAX_UNPACKED": _number("CADENCE_IMPORT_MAX_UNPACKED", 1024 * 1024 * 1024),
        "IMPORT_MAX_ROWS": _number("CADENCE_IMPORT_MAX_ROWS", 1_000_000),
        "IMPORT_KEEP_DAYS": _number("CADENCE_IMPORT_KEEP_DAYS", 7),
        "IMPORT_BATCH": _number("CADENCE_IMPORT_BATCH", 2_000),
        "DEV_TOOLS": _flag("CADENCE_DEV_TOOLS", all_embedded and here_only),
        "DEV_MAILBOX": _flag("CADENCE_DEV_MAILBOX", embedded_mail and here_only),
        "HERE_ONLY": here_only,
        # Where all is embedded and for who sits here, a server to try deliveries with is here too.
        "PRIVATE_DESTINATIONS": _networks("CADENCE_PRIVATE_DESTINATIONS", all_embedded and here_only),
        "DEMO_SIGN_INS": _flag("CADENCE_DEMO_SIGN_INS", False),
    }
