"""What lets a browser install Cadence as an app and wake it for a notice: the manifest, the service worker.

Both are the same for everybody and ask for no sign-in. The worker keeps no page and nothing of anybody's.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, url_for

from cadence_app.ui import asset

blueprint = Blueprint("installing", __name__)


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """W3C Web Application Manifest."""
    named = (("img/app-192.png", "192x192"), ("img/app-512.png", "512x512"))
    icons = [
        {"src": asset(name), "sizes": size, "type": "image/png", "purpose": "any"} for name, size in named
    ]
    whole = {"src": asset("img/app-maskable-512.png"), "sizes": "512x512", "type": "image/png"}
    answer = jsonify(
        id="/",
        name="Cadence",
        short_name="Cadence",
        description="Texting with consent on record.",
        start_url=url_for("messaging.desk"),
        scope=url_for("accounts.home"),
        display="standalone",
        background_color="#f4f6f6",
        theme_color="#0b6661",
        icons=[*icons, whole | {"purpose": "maskable"}],
    )
    answer.mimetype = "application/manifest+json"
    return answer


@blueprint.get("/sw.js")
def worker() -> Response:
    """At the root, for a worker's pages are those beside and below its address (Service Workers, "scope")."""
    return current_app.send_static_file("js/service-worker.js")
