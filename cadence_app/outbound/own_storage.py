"""The way to the operator's own storage, a bucket that FILES_URL and the AWS_ variables name.

All that is read of the environment is read here, once: the library (obstore) would itself ask for whatever is
missing, a key among it, at the machine's metadata address, which Cadence never connects to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from obstore.store import S3Store

from cadence_app.outbound import gate
from cadence_app.outbound.gate import Refused, Target
from cadence_app.outbound.narrow_way import NarrowWay
from cadence_app.outbound.policy import POLICIES, Kind

_POLICY = POLICIES[Kind.FILES]
# The library counts the whole of a request; the way counts silence, and ends what is silent.
_TIMEOUT = timedelta(seconds=_POLICY.seconds)
_CONNECT_TIMEOUT = timedelta(seconds=_POLICY.connect_seconds + 5)
# Requests that are sent again where the storage broke off, all within a time.
_RETRIES, _RETRY_TIMEOUT = 5, timedelta(seconds=60)
_IDLE_TIMEOUT = timedelta(seconds=20)


@dataclass(frozen=True)
class OwnBucket:
    """A bucket and how to sign in there; `prefix` comes before the keys of files, as a folder. With
    `by_host` the endpoint is the bucket's own address; else its name is the first part of paths."""

    name: str
    prefix: str
    endpoint: str
    region: str
    by_host: bool
    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(repr=False, default=None)

    @property
    def target(self) -> Target:
        """Errors: Refused for an endpoint that is no address of a server."""
        return gate.target_of(Kind.FILES, self.endpoint)

    def way(self) -> NarrowWay:
        return NarrowWay(Kind.FILES, self.target)

    def store(self, way: NarrowWay) -> S3Store:
        """The library's store, whose every connection goes by the way."""
        tls = self.target.scheme == "https"
        return S3Store(
            self.name,
            prefix=self.prefix or None,
            config={
                # Not "endpoint", for which this one of the environment would stand in.
                "aws_endpoint_url_s3": self.endpoint,
                "region": self.region,
                "skip_signature": False,
                "virtual_hosted_style_request": self.by_host,
            },
            # Options of our own make the library forget those of the environment.
            client_options={
                "timeout": _TIMEOUT,
                "connect_timeout": _CONNECT_TIMEOUT,
                "allow_http": True,
                "proxy_url": way.url,
                # Without TLS the way reads the first words of each connection, so each request has its own.
                **({"pool_idle_timeout": _IDLE_TIMEOUT} if tls else {"pool_max_idle_per_host": "0"}),
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIMEOUT},
            # Given as a provider, so that the library looks for no other.
            credential_provider=lambda: {  # type: ignore[arg-type]
                "access_key_id": self.key_id,
                "secret_access_key": self.secret,
                "token": self.token,
                "expires_at": None,
            },
        )


def bucket_of(url: str, environment: Mapping[str, str]) -> OwnBucket | None:
    """The bucket of s3://bucket/prefix with the AWS_ variables; None for a folder (file:///folder). Errors:
    ValueError, with what to set."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return None
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"FILES_URL is {url!r}; write file:///folder or s3://bucket/prefix.")

    def said(*names: str) -> str:
        return next((environment[name].strip() for name in names if environment.get(name, "").strip()), "")

    key_id, secret = said("AWS_ACCESS_KEY_ID"), said("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        raise ValueError(
            "FILES_URL is in S3, so AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set: Cadence asks no "
            "metadata service of a cloud for the role of its machine."
        )
    region = said("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"
    by_host = said("AWS_VIRTUAL_HOSTED_STYLE_REQUEST").lower() in {"1", "true", "yes", "on"}
    amazons = f"https://{parts.netloc}.s3" if by_host else "https://s3"
    given = said("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    found = OwnBucket(
        parts.netloc,
        unquote(parts.path).strip("/"),
        given.rstrip("/") or f"{amazons}.{region}.amazonaws.com",
        region,
        by_host,
        key_id,
        secret,
        said("AWS_SESSION_TOKEN") or None,
    )
    try:
        target = found.target
    except Refused as error:
        raise ValueError(f"AWS_ENDPOINT_URL is {given!r}: {error}") from error
    if target.scheme == "http" and said("AWS_ALLOW_HTTP").lower() not in {"1", "true", "yes", "on"}:
        raise ValueError(f"AWS_ENDPOINT_URL is {given!r}, without TLS; AWS_ALLOW_HTTP=true allows that.")
    return found
