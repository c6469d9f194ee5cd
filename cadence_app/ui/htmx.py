"""Requests that htmx makes for a part of a page."""

from __future__ import annotations

from flask import request


def wanted() -> bool:
    """Whether the answer goes into a part of the page, rather than being a page."""
    return request.headers.get("HX-Request") == "true" and "HX-Boosted" not in request.headers
