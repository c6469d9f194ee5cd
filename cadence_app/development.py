"""Development mode, request by request: only who sits at this machine is let in.

A proxy on the same machine makes everybody's request come from loopback, so whatever a proxy leaves in a
request closes these pages too.
"""

from __future__ import annotations

from flask import abort, current_app, request

from cadence_app.hosts import host_of
from cadence_app.outbound.addresses import loopback_name

_FORWARDED = frozenset(
    {
        *("forwarded", "via", "max-forwards", "client-ip", "true-client-ip", "remote-addr", "remote-host"),
        *("cdn-loop", "front-end-https", "fastly-client-ip", "x-real-ip", "x-real-port", "x-client-ip"),
        *("x-cluster-client-ip", "x-remote-ip", "x-remote-addr", "x-proxyuser-ip", "x-host", "x-scheme"),
        *("x-url-scheme", "x-appengine-user-ip", "x-varnish", "x-arr-log-id", "x-arr-ssl", "x-nginx-proxy"),
    }
)
_FORWARDED_STARTS: tuple[str, ...] = ("x-forwarded", "x-original-", "x-envoy-", "x-amzn-", "x-amz-cf-")
_FORWARDED_STARTS += ("x-azure-", "x-vercel-", "cf-", "fly-", "tailscale-", "ngrok-")


def open_here() -> bool:
    """Whether the request is from who sits at this machine, in development mode."""
    return (
        bool(current_app.config["DEVELOPMENT"])
        and loopback_name(request.remote_addr or "")
        and loopback_name(host_of(request.environ.get("HTTP_HOST", "")))
        # No browser speaks it; a proxy that was told nothing else does, and adds no header (nginx before
        # 1.29.7, proxy_http_version).
        and request.environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
        and not any(_forwarding(name) for name, _ in request.headers)
    )


def require_here() -> None:
    """For before_request of what has no sign-in. Errors: 404."""
    if not open_here():
        abort(404)


def _forwarding(name: str) -> bool:
    plain = name.lower().replace("_", "-")
    return plain in _FORWARDED or plain.startswith(_FORWARDED_STARTS)
