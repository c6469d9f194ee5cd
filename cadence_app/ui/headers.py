"""What every answer tells the browser: what may run, who may embed it, how to reach it, not to keep it."""

from __future__ import annotations

from flask import Flask, Response, current_app, request

# No script or style but our own files: what a page shows, whoever typed it, can't run.
_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
# Nothing here needs any of it; a page that was tampered with gets none either.
_NEVER_USED = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "gamepad"),
    *("encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts"),
    *("magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-create"),
    *("publickey-credentials-get", "screen-wake-lock", "serial", "usb", "window-management"),
    "xr-spatial-tracking",
)
_ALWAYS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _NEVER_USED),
    # No window that another site opened, or that a page here opens, can reach into the other.
    "Cross-Origin-Opener-Policy": "same-origin",
    # No other site's page can load what is here as a part of its own.
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A year (RFC 6797, section 11.2, leaves it to the site; browsers' preload lists ask for as much).
_HSTS_SECONDS = 365 * 24 * 3600
# The same for everybody, with a digest of the content in their addresses.
_KEPT_BY_BROWSERS = {"static", "favicon"}


def init_app(app: Flask) -> None:
    app.after_request(_add)


def _add(response: Response) -> Response:
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if _over_https():
        subdomains = "; includeSubDomains" if current_app.config["HSTS_SUBDOMAINS"] else ""
        response.headers["Strict-Transport-Security"] = f"max-age={_HSTS_SECONDS}{subdomains}"
    # All else is somebody's: their records, a form for a secret, or a link's page. Nothing is kept, neither
    # by the browser, for who sits there next, nor by a proxy.
    if request.endpoint not in _KEPT_BY_BROWSERS or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    # What a script of our own page reads is no page ("Try the API" would offer it as a file).
    led_there = request.headers.get("Sec-Fetch-Dest") != "empty"
    if request.path.startswith("/api/") and response.mimetype != "text/html" and led_there:
        # Should a browser be led there, it shows nothing of it as a page (OWASP ASVS 4.0.3, 14.4.2).
        response.headers.setdefault("Content-Disposition", 'attachment; filename="api.json"')
    return response


def _over_https() -> bool:
    """Whether the browser came over https. A proxy that ends it is asked where it is trusted; else what the
    site's address says holds, for over plain http browsers take no notice (RFC 6797, section 8.1)."""
    site = current_app.config["SITE"]
    return bool(site.https and (request.is_secure or not site.proxies))
