"""Settings, read from the environment once, when the application is made.

Every variable and its default is listed in docs/configuration.md.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from cadence_app import database_roles, embedded, number_key, public_site, secret_keys
from cadence_app.embedded import Engine
from cadence_app.outbound.addresses import Network
from cadence_app.outbound.networks_setting import networks_of
from cadence_app.outbound.own_servers import redis_options
from cadence_app.outbound.own_storage import bucket_of
from cadence_app.redis_waits import PROMPT, PromptRedis

# Chrome and most others, Firefox, Edge, Safari.
_PUSH_SERVICES = (
    *("fcm.googleapis.com", "*.push.services.mozilla.com", "*.notify.windows.com"),
    *("web.push.apple.com", "*.push.apple.com"),
)


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


def _push_services() -> tuple[str, ...]:
    """The hosts of browsers' push services, and those that an operator adds. Errors: ValueError."""
    more = [each.strip().lower() for each in os.environ.get("CADENCE_PUSH_SERVICES", "").split(",")]
    for each in filter(None, more):
        if not re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", each):
            raise ValueError(f"CADENCE_PUSH_SERVICES has {each!r}, which is no host and no *.host.")
    return (*_PUSH_SERVICES, *filter(None, more))


def _carrier_urls() -> dict[str, str]:
    """Where something stands in for a carrier's API, by the carrier's code: CADENCE_<CODE>_API_URL."""
    given = ((re.fullmatch("CADENCE_([A-Z0-9_]+)_API_URL", name), url) for name, url in os.environ.items())
    return {name[1].lower(): url.rstrip("/") for name, url in given if name and url}


def database_url(url: str) -> str:
    """The SQLAlchemy address (psycopg 3) of a PostgreSQL URL in any of its common spellings."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return f"postgresql+psycopg://{rest}"


def development_wanted() -> bool | None:
    """What CADENCE_DEVELOPMENT says; None where it says nothing."""
    return _flag("CADENCE_DEVELOPMENT", False) if os.environ.get("CADENCE_DEVELOPMENT", "").strip() else None


def site(development: bool | None) -> public_site.Site:
    """Where Cadence is reached. Errors: ValueError."""
    return public_site.load(_number("CADENCE_TRUSTED_PROXIES", 0), development)


def _only_in_development(name: str, development: bool, default: bool) -> bool:
    """A switch of development mode. Errors: ValueError where it is turned on without that mode."""
    if _flag(name, False) and not development:
        raise ValueError(f"{name} needs CADENCE_DEVELOPMENT=1, which is for this machine alone.")
    return development and _flag(name, default)


def load() -> dict[str, Any]:
    """Every setting of the application; errors: ValueError for a value that can't be used."""
    data_dir = Path(os.environ.get("CADENCE_DATA_DIR", "instance")).resolve()
    # What has no database in it comes first: a setting that can't be used is told without starting one.
    reached = site(development_wanted())
    # Before a key is made: an installation that had one hashed numbers with it.
    known = secret_keys.find(data_dir)
    stops_key = number_key.load_or_make(data_dir, known.first if known else None)
    keys = secret_keys.find_or_make(data_dir)
    secret_keys.check(keys, reached.development)
    files_url = os.environ.get("FILES_URL") or (data_dir / "files").as_uri()
    bucket = bucket_of(files_url, os.environ)
    app_url = os.environ.get("DATABASE_URL", "")
    owner_url = os.environ.get("DATABASE_OWNER_URL", "")
    brought = embedded.brought()
    if Engine.POSTGRES in brought:
        if owner_url:
            raise ValueError("DATABASE_OWNER_URL is given without DATABASE_URL.")
        app_url, owner_url = database_roles.prepare_embedded(embedded.ensure_postgres(data_dir))
    redis_url = embedded.redis_url(data_dir) if Engine.REDIS in brought else os.environ["REDIS_URL"]
    session_days = _number("CADENCE_SESSION_DAYS", 7)
    secure = reached.https or _flag("CADENCE_SECURE_COOKIES", False)
    # Browsers take a cookie of such a name only over https, from this host and for all of it (RFC 6265bis,
    # section 4.1.3.2), so that no neighbour under the same domain can put one there.
    prefix = "__Host-" if secure else ""
    return {
        "DATA_DIR": data_dir,
        "SITE": reached,
        "DEVELOPMENT": reached.development,
        "SECRET_KEY": keys.current,
        # Flask and Flask-WTF know these names: what an old key signed is believed; it signs nothing new.
        "SECRET_KEY_FALLBACKS": keys.still_signing,
        "WTF_CSRF_SECRET_KEY": [*keys.still_signing, keys.current],
        "OLD_SECRET_KEYS": list(keys.old),
        "NUMBER_KEY": stops_key,
        "COOKIE_PREFIX": prefix,
        "SESSION_COOKIE_NAME": f"{prefix}session",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_PATH": "/",
        "REMEMBER_COOKIE_NAME": f"{prefix}remember",
        "REMEMBER_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "HSTS_SUBDOMAINS": _flag("CADENCE_HSTS_SUBDOMAINS", False),
        "PERMANENT_SESSION_LIFETIME": session_days * 24 * 3600,
        "SESSION_IDLE_MINUTES": _number("CADENCE_SESSION_IDLE_MINUTES", 12 * 60),
        "SESSION_DAYS": session_days,
        # In development a provider may run on this machine, without https.
        "SSO_LOOPBACK": _flag("CADENCE_SSO_LOOPBACK", reached.development),
        "SSO_PRIVATE_NETWORKS": _networks("CADENCE_SSO_PRIVATE_NETWORKS"),
        "RESET_LINK_MINUTES": 60,
        "INVITATION_DAYS": 7,
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        # Their addresses carry a digest of the content (ui/__init__.py).
        "SEND_FILE_MAX_AGE_DEFAULT": 365 * 24 * 3600,
        "WTF_CSRF_TIME_LIMIT": None,
        "PUBLIC_URL": reached.url,
        "TRUSTED_PROXIES": reached.proxies,
        "SQLALCHEMY_DATABASE_URI": database_url(app_url),
        # Nothing is set as a connection opens, nor kept in it: behind a pooler it is another one each time
        # (tenancy.py sets what a transaction needs).
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "connect_args": {"connect_timeout": 5, "prepare_threshold": None},
            # The values of a statement are people's numbers, names and texts (database_errors.py).
            "hide_parameters": True,
            "pool_pre_ping": True,
            "pool_size": 10,
            "max_overflow": 20,
        },
        # Only migrations and `flask cadence prepare-database` need it.
        "DATABASE_OWNER_URL": database_url(owner_url) if owner_url else "",
        # How long a migration waits for a lock (migrating.py).
        "MIGRATION_LOCK_SECONDS": _number("CADENCE_MIGRATION_LOCK_SECONDS", 5),
        "RQ_CONNECTION": redis_url,
        "RQ_CONNECTION_CLASS": PromptRedis,
        "RQ_QUEUES": ["campaigns", "mails", "reports", "imports", "webhooks", "media", "sweeps"],
        "RQ_ASYNC": True,
        "RATELIMIT_STORAGE_URI": redis_url.replace("unix://", "redis+unix://", 1),
        "RATELIMIT_STORAGE_OPTIONS": PROMPT | redis_options(redis_url),
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "RATELIMIT_HEADERS_ENABLED": True,
        "API_RATE_LIMIT": os.environ.get("CADENCE_API_RATE_LIMIT", "600 per minute"),
        "CARRIER_API_URLS": _carrier_urls(),
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
        "FILES_URL": files_url,
        # None where that is a folder.
        "FILES_BUCKET": bucket,
        "EXPORT_LINK_DAYS": 7,
        "WEBHOOK_PRIVATE_NETWORKS": _networks("CADENCE_WEBHOOK_PRIVATE_NETWORKS"),
        "WEBHOOK_LOG_DAYS": _number("CADENCE_WEBHOOK_LOG_DAYS", 30),
        "WEBHOOK_GIVE_UP_DAYS": _number("CADENCE_WEBHOOK_GIVE_UP_DAYS", 5),
        "MAIL_KEEP_DAYS": _number("CADENCE_MAIL_KEEP_DAYS", 90),
        "PUSH_SERVICES": _push_services(),
        "IMPORT_MAX_BYTES": _number("CADENCE_IMPORT_MAX_BYTES", 100_000_000),
        "IMPORT_MAX_UNPACKED": _number("CADENCE_IMPORT_MAX_UNPACKED", 1024 * 1024 * 1024),
        "IMPORT_MAX_ROWS": _number("CADENCE_IMPORT_MAX_ROWS", 1_000_000),
        "IMPORT_MAX_MEMORY": _number("CADENCE_IMPORT_MAX_MEMORY", 512 * 1024 * 1024),
        "IMPORT_MAX_SECONDS": _number("CADENCE_IMPORT_MAX_SECONDS", 600),
        "IMPORT_KEEP_DAYS": _number("CADENCE_IMPORT_KEEP_DAYS", 7),
        "IMPORT_BATCH": _number("CADENCE_IMPORT_BATCH", 2_000),
        "DEV_TOOLS": _only_in_development("CADENCE_DEV_TOOLS", reached.development, True),
        "DEV_MAILBOX": _only_in_development(
            "CADENCE_DEV_MAILBOX", reached.development, Engine.MAIL in brought
        ),
        # In development a server to try deliveries with is on this machine too.
        "PRIVATE_DESTINATIONS": _networks("CADENCE_PRIVATE_DESTINATIONS", reached.development),
        "DEMO_SIGN_INS": _only_in_development("CADENCE_DEMO_SIGN_INS", reached.development, False),
    }
