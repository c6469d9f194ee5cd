"""OpenID Connect (Core 1.0): the authorization code flow with PKCE, state, nonce and `iss`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from cadence_app.accounts import issuers
from cadence_app.accounts.issuers import Vouched
from cadence_app.outbound import gate, guarded_http
from cadence_app.outbound.gate import Refused
from cadence_app.outbound.guarded_http import HttpClient, HTTPError, read_json
from cadence_app.outbound.policy import POLICIES, Kind

# Signatures by a key of the provider's own only: never `none`, nor one made with the shared secret.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_KEY_TYPES = {"RSA", "EC", "OKP"}
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
    issuer: str = ""

    def stored(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Identity:
    """Whom the provider tells of. `subject` is its own unchanging name for them, `former_subject` one that
    they may be known by from before. `vouched` is what it says of the address."""

    subject: str
    former_subject: str
    email: str
    vouched: Vouched
    guest: bool
    name: str


@dataclass(frozen=True)
class Client:
    """Cadence at one provider."""

    issuer: str
    client_id: str
    client_secret: str

    def test(self) -> None:
        """Reads what the provider says of itself, and its keys. Errors: Failed."""
        with _exchange() as asking:
            _keys(asking, self._discover(asking))

    def begin(self, redirect_uri: str, email: str = "") -> tuple[str, Pending]:
        """The address to send the person to, and what to keep until they are back. Errors: Failed."""
        random = (secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        pending = Pending(*random, self.issuer)
        with _exchange() as asking:
            url = prepare_grant_uri(
                self._discover(asking)["authorization_endpoint"],
                client_id=self.client_id,
                response_type="code",
                redirect_uri=redirect_uri,
                scope="openid email profile",
                state=pending.state,
                nonce=pending.nonce,
                code_challenge=create_s256_code_challenge(pending.verifier),
                code_challenge_method="S256",
                **({"login_hint": email} if email else {}),
            )
        return str(url), pending

    def finish(self, redirect_uri: str, pending: Pending, code: str, iss: str | None) -> Identity:
        """Whom the provider's answer tells of; `state` has been compared by then, and `iss` is what came with
        the code. Errors: Failed."""
        if pending.issuer != self.issuer:
            raise Failed("Single sign-on was changed while somebody was signing in.")
        with _exchange() as asking:
            about = self._discover(asking)
            self._check_iss(about, iss)
            token = self._token(asking, about, redirect_uri, pending, code)
            claims = self._claims(asking, token, about, pending.nonce)
            if "email" not in claims and about.get("userinfo_endpoint"):
                headers = {"Authorization": f"Bearer {token['access_token']}"}
                told = _read(asking, about["userinfo_endpoint"], headers=headers)
                if told.get("sub") != claims["sub"]:
                    raise Failed("The provider's user information is about somebody else.")
                claims = told | claims
            if any("\x00" in str(claims.get(name)) for name in ("sub", "email", "name")):
                raise Failed("The provider's answer has a character that can't be stored.")
            try:
                subject, former = issuers.subjects_of(self.issuer, claims)
            except ValueError as error:
                raise Failed(str(error)) from error
        return Identity(
            subject=subject,
            former_subject=former,
            email=str(claims.get("email") or ""),
            vouched=issuers.vouched(self.issuer, claims),
            guest=issuers.is_guest(self.issuer, claims),
            name=str(claims.get("name") or "")[:200],
        )

    def _discover(self, asking: HttpClient) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 4."""
        about = _read(asking, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        named = about.get("issuer")
        if isinstance(named, str) and "{" in named:
            raise Failed(
                f"The provider calls itself {named!r}, which stands for every organization. Cadence takes the"
                " issuer of yours alone: put your directory (tenant) ID in its address."
            )
        if named != self.issuer:
            raise Failed(f"The provider calls itself {named!r}, and not {self.issuer!r}.")
        for name in _NEEDED:
            if not isinstance(about.get(name), str):
                raise Failed(f"The provider does not say its {name}.")
            gate.target_of(Kind.SINGLE_SIGN_ON, about[name])
        return about

    def _check_iss(self, about: dict[str, Any], iss: str | None) -> None:
        """RFC 9207, section 2.4: an answer of another provider is not taken for one of this."""
        if iss is None and about.get("authorization_response_iss_parameter_supported") is True:
            raise Failed("The provider's answer does not say whose it is (iss), although it always does.")
        if iss is not None and iss != self.issuer:
            raise Failed("The answer is of another provider (iss).")

    def _token(
        self, asking: HttpClient, about: dict[str, Any], redirect_uri: str, pending: Pending, code: str
    ) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": pending.verifier,
        }
        user = (self.client_id, self.client_secret)
        methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in methods:
            status, token = read_json(asking, "POST", about["token_endpoint"], data=form, auth=user)
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
            status, token = read_json(asking, "POST", about["token_endpoint"], data=form)
        if status != 200 or "error" in token:
            raise Failed(f"The provider refused the exchange: {status} {str(token.get('error', ''))[:100]}")
        if not isinstance(token.get("id_token"), str):
            raise Failed("The provider sent no ID token.")
        return token

    def _claims(
        self, asking: HttpClient, token: dict[str, Any], about: dict[str, Any], nonce: str
    ) -> dict[str, Any]:
        """The claims of the ID token, whose signature and claims are what they must be (section 3.1.3.7)."""
        read = jwt.decode(token["id_token"], _keys(asking, about), algorithms=_ALGORITHMS)
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


@contextmanager
def _exchange() -> Iterator[HttpClient]:
    """A client for one exchange with a provider, which has one time for all of it; everything that a provider
    can do wrong comes out as Failed."""
    try:
        with guarded_http.client(
            Kind.SINGLE_SIGN_ON, time.monotonic() + POLICIES[Kind.SINGLE_SIGN_ON].seconds
        ) as asking:
            yield asking
    except Refused as error:
        raise Failed(str(error)) from error
    except HTTPError as error:
        raise Failed(f"The provider did not answer as it must. {error}") from error
    except (AuthlibBaseError, JoseError) as error:
        raise Failed(f"The provider's answer was refused: {error}.") from error
    except Failed:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Failed("The provider did not answer as it must.") from error


def _read(asking: HttpClient, url: str, **options: Any) -> dict[str, Any]:
    status, found = read_json(asking, "GET", url, **options)
    if status != 200:
        raise Failed(f"{url} answered {status}.")
    if not found:
        raise Failed(f"{url} did not answer as it should.")
    return found


def _keys(asking: HttpClient, about: dict[str, Any]) -> KeySet:
    """The provider's keys, without those of kinds that sign nothing here."""
    told = _read(asking, about["jwks_uri"]).get("keys")
    keys = [
        key
        for key in (told if isinstance(told, list) else [])
        if isinstance(key, dict) and key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
    ]
    if not keys:
        raise Failed("The provider's keys can't be read.")
    return KeySet.import_key_set({"keys": keys})
