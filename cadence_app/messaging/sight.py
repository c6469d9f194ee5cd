"""Whether somebody has a page before them, as far as a request tells."""

from __future__ import annotations

from flask import request

# live.js sets it: this browser asks by itself for what a page shows, once the page is in sight.
_COOKIE = "tells_sight"


def is_told_later() -> bool:
    """Whether the page may be loaded for nobody yet, and asks once somebody sees it: in a tab behind another
    one, by a browser that opens again what was open, or ahead of a click."""
    if "seen" in request.args:
        # Scripts are off after all (desk.html), so somebody sees what they open.
        return False
    ahead = request.headers.get("Sec-Purpose", "").startswith("prefetch")
    return ahead or request.cookies.get(_COOKIE) == "1"
