"""What every answer has to tell a browser."""

from __future__ import annotations

from werkzeug.test import TestResponse

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_KEPT = ("/static/", "/favicon.ico")


def missing_headers(answer: TestResponse) -> list[str]:
    """What an answer does not tell the browser although it should; the same for every route."""
    found = answer.headers
    missing = [name for name, value in _ALWAYS.items() if found.get(name) != value]
    missing += [name for name in ("Content-Security-Policy",) if "frame-ancestors" not in _csp_of(answer)]
    missing += [] if "camera=()" in found.get("Permissions-Policy", "") else ["Permissions-Policy"]
    kept = answer.request.path.startswith(_KEPT) and answer.status_code < 400
    if not kept and found.get("Cache-Control") != "no-store":
        missing.append("Cache-Control")
    typed = found.get("Content-Type", "")
    if typed.startswith("text/") and "charset=utf-8" not in typed.lower():
        missing.append("Content-Type")
    if answer.request.path.startswith("/api/") and (answer.mimetype or "").endswith("json"):
        missing += [] if "attachment" in found.get("Content-Disposition", "") else ["Content-Disposition"]
    return missing


def _csp_of(answer: TestResponse) -> str:
    # What only shows a file forbids it everything, framing by `sandbox` not among that.
    csp = answer.headers.get("Content-Security-Policy", "")
    return f"{csp} frame-ancestors" if "default-src 'none'; sandbox" in csp else csp
