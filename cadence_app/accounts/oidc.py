"""OpenID Connect (Core 1.0), the authorization code flow with PKCE, state and nonce, through Authlib."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from flask import current_app
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException, Session

from cadence_app.accounts.guarded_http import TIMEOUT_SECONDS, Unreachable, guard, read_json, require_address

# Signatures by a key of the provider's own only: never `none`, nor one made with the shared secret.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY_SECONDS = 60
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Failed(ValueError):
    """The provider did not vouch for anybody; the text says why, for who reads the settings or the log."""


@dataclass(frozen=True)
class Pending:
    """A sign-in that is under way at the provider: what its answer has to fit."""

    state: str
    nonce: str
    verifier: str

    def stored(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for. `subject` is its own unchanging name for them."""

    subject: str
    email: str
    email_verified: bool
    name: str


@dataclass(frozen=True)
class Client:
    """Cadence at one provider."""

    issuer: str
    client_id: str
    client_secret: str

    def test(self) -> None:
        """Reads what the provider says of itself, and its keys. Errors: Failed."""
        with _failing_plainly():
            self._keys(self._discover())

    def begin(self, redirect_uri: str, email: str = "") -> tuple[str, Pending]:
        """The address to send the person to, and what to keep until they are back. Errors: Failed."""
        pending = Pending(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        with _failing_plainly():
            endpoint = self._discover()["authorization_endpoint"]
            hint = {"login_hint": email} if email else {}
            url, _ = self._session(redirect_uri).create_authorization_url(
                endpoint, state=pending.state, code_verifier=pending.verifier, nonce=pending.nonce, **hint
            )
        return str(url), pending

    def finish(self, redirect_uri: str, pending: Pending, code: str) -> Identity:
        """Whom the provider's answer tells of; `state` has been compared by then. Errors: Failed."""
        with _failing_plainly():
            about = self._discover()
            session = self._session(redirect_uri, about)
            token = session.fetch_token(
                about["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=pending.verifier,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            claims = self._claims(token, about, pending.nonce)
            if "email" not in claims and about.get("userinfo_endpoint"):
                told = read_json(
                    _session(),
                    about["userinfo_endpoint"],
                    headers={"Authorization": f"Bearer {token['access_token']}"},
                )
                if told.get("sub") != claims["sub"]:
                    raise Failed("The provider's user information is about somebody else.")
                claims = told | claims
        if any("\x00" in str(claims.get(name)) for name in ("sub", "email", "name")):
            raise Failed("The provider's answer has a character that can't be stored.")
        return Identity(
            subject=str(claims["sub"]),
            email=str(claims.get("email") or ""),
            email_verified=claims.get("email_verified") in (True, "true"),
            name=str(claims.get("name") or "")[:200],
        )

    def _discover(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 4."""
        about = read_json(_session(), f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self.issuer:
            raise Failed(f"The provider calls itself {about.get('issuer')!r}, and not {self.issuer!r}.")
        for name in _NEEDED:
            if not isinstance(about.get(name), str):
                raise Failed(f"The provider does not say its {name}.")
            require_address(about[name], current_app.config["SSO_LOOPBACK"])
        return about

    def _keys(self, about: dict[str, Any]) -> KeySet:
        try:
            return KeySet.import_key_set(read_json(_session(), about["jwks_uri"]))  # type: ignore[arg-type]
        except (KeyError, TypeError) as error:
            raise Failed("The provider's keys can't be read.") from error

    def _session(self, redirect_uri: str, about: dict[str, Any] | None = None) -> OAuth2Session:
        methods = (about or {}).get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = "client_secret_basic" in methods
        session = OAuth2Session(
            self.client_id,
            self.client_secret,
            scope="openid email profile",
            redirect_uri=redirect_uri,
            token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
            code_challenge_method="S256",
        )
        guard(session, current_app.config["SSO_LOOPBACK"])
        return session

    def _claims(self, token: dict[str, Any], about: dict[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token, whose signature and claims are what they must be (section 3.1.3.7)."""
        if not isinstance(token.get("id_token"), str):
            raise Failed("The provider sent no ID token.")
        read = jwt.decode(token["id_token"], self._keys(about), algorithms=_ALGORITHMS)
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self.client_id},
                "nonce": {"essential": True, "value": nonce},
            },
            {"nonce": nonce, "client_id": self.client_id, "access_token": token.get("access_token")},
        )
        claims.validate(leeway=_LEEWAY_SECONDS)
        return dict(claims)


class _failing_plainly:
    """Everything that a provider can do wrong, as Failed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Unreachable):
            raise Failed(str(error)) from error
        if isinstance(error, AuthlibBaseError | JoseError):
            raise Failed(f"The provider's answer was refused: {error}.") from error
        if isinstance(error, RequestException | KeyError | TypeError | UnicodeError):
            raise Failed("The provider did not answer as it must.") from error
        if isinstance(error, ValueError) and not isinstance(error, Failed):
            raise Failed("The provider did not answer as it must.") from error


def _session() -> Session:
    session = Session()
    guard(session, current_app.config["SSO_LOOPBACK"])
    return session
