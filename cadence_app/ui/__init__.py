"""What every page shares: navigation, formatting, error pages, security headers, health."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_login import current_user

from cadence_app import development
from cadence_app.ui import compressing, errors, formatting, headers, health
from cadence_app.ui.navigation import account_pages, main_navigation, settings_navigation, words_for


def init_app(app: Flask) -> None:
    errors.init_app(app)
    app.register_blueprint(health.blueprint)
    # What browsers ask for beside a file that is no page, such as the certificate's PDF.
    app.add_url_rule("/favicon.ico", "favicon", lambda: app.send_static_file("img/favicon.svg"))
    app.context_processor(_context)
    app.add_template_global(asset, "asset")
    app.add_template_global(account_pages, "account_pages")
    headers.init_app(app)
    compressing.init_app(app)
    app.add_template_filter(_moment, "moment")
    app.add_template_filter(_moment_to_the_second, "moment_to_the_second")
    app.add_template_filter(_brief, "brief")
    app.add_template_filter(_clock, "clock")
    app.add_template_filter(_to_the_second, "to_the_second")
    app.add_template_filter(_local_day, "local_day")
    app.add_template_filter(_snooze_time, "snooze_time")
    app.add_template_filter(_named_time, "named_time")
    app.add_template_filter(formatting.day, "day")
    app.add_template_filter(formatting.hour_name, "hour_name")
    app.add_template_filter(formatting.utc, "utc")
    app.add_template_filter(formatting.phone, "phone")
    app.add_template_filter(formatting.size, "size")


def _context() -> dict[str, Any]:
    """What base.html needs. A mail has no user; the page of a crash must do without the database."""
    if not has_request_context():
        return {}
    user = current_user if not g.get("crashed") and current_user.is_authenticated else None
    here = development.open_here()
    return {
        "bare": bool(g.get("crashed")),
        "nav": main_navigation(user) if user else [],
        "settings_nav": settings_navigation(user) if user and user.is_admin else [],
        "current_tenant": user.tenant if user else None,
        "words": words_for(user),
        "dev_tools": here and current_app.config["DEV_TOOLS"],
        "dev_mailbox": here and current_app.config["DEV_MAILBOX"],
    }


def asset(name: str) -> str:
    """A static file's address, with its content's digest so that browsers may keep it for good."""
    return _address(request.script_root if has_request_context() else None, name)


@lru_cache(maxsize=1000)
def _address(root: str | None, name: str) -> str:
    """Made once for each path that the application stands below: a page has more than a hundred of them."""
    return url_for("static", filename=name, v=_digest(Path(str(current_app.static_folder)) / name))


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _zone() -> ZoneInfo:
    zone: ZoneInfo = current_user.zone if current_user.is_authenticated else ZoneInfo("UTC")
    return zone


def _moment(value: datetime | None) -> str:
    return formatting.time_tag(value, formatting.in_zone(value, _zone())) if value else ""


def _moment_to_the_second(value: datetime) -> str:
    return formatting.time_tag(value, formatting.moment_to_the_second(value, _zone()))


def _brief(value: datetime) -> str:
    today = datetime.now(_zone()).date()
    return formatting.time_tag(value, formatting.brief(value, _zone(), today))


def _clock(value: datetime, title: str = "") -> str:
    return formatting.time_tag(value, formatting.clock(value, _zone()), title)


def _to_the_second(value: datetime) -> str:
    return formatting.to_the_second(value, _zone())


def _snooze_time(value: datetime) -> str:
    return formatting.time_to_come(value, _zone(), datetime.now(_zone()).date())


def _named_time(value: datetime) -> str:
    return formatting.time_to_come(value, _zone(), datetime.now(_zone()).date(), "%A")


def _local_day(value: datetime) -> str:
    return formatting.day(value.astimezone(_zone()).date())
