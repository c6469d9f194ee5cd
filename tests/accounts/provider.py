"""A small OpenID Connect provider over real HTTP: discovery, keys, token and user information.

It checks what a provider must (client, redirect URI, PKCE), and can be told to answer wrongly. Whoever comes
is let in at once: a browser is sent straight back, and `authorize` does that for a test without one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "cadence at the college", "s3cret: with / signs"


@dataclass
class Provider:
    """Its person is `claims`. `wrong` replaces what it says: claims of the ID token (None leaves one out),
    `issuer` in the discovery, `signed_by` another key, `redirect` a location it sends everybody to, `token`
    its answer to the exchange. `path` is that of its issuer; `says_iss` whether its answers have `iss`
    (RFC 9207), and it says so. With `entra` it says what Microsoft Entra ID says, and signs as it does."""

    port: int = 0
    claims: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    in_userinfo: bool = False
    path: str = ""
    says_iss: bool = False
    entra: bool = False
    rsa: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "two"}))

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        return f"{self.root}{self.path}"

    def authorize(self, url: str) -> dict[str, str]:
        """What the person's browser brings back from this address, on which Cadence sent it off."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.root}/authorize"
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.asked)}"
        self.asked[code] = asked
        return {"code": code, "state": asked["state"], **({"iss": self.issuer} if self.says_iss else {})}

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if path == f"{self.path}/.well-known/openid-configuration":
            return 200, {
                "issuer": self.wrong.get("issuer", self.issuer),
                "authorization_endpoint": f"{self.root}/authorize",
                "token_endpoint": f"{self.root}/token",
                "userinfo_endpoint": f"{self.root}/userinfo",
                "jwks_uri": f"{self.root}/keys",
                **({"authorization_response_iss_parameter_supported": True} if self.says_iss else {}),
                **(self._of_entra() if self.entra else {}),
            }
        if path == "/keys" and self.entra:
            public = self.rsa.as_dict(private=False) | {"use": "sig", "x5t": "two", "x5c": ["MIIC"]}
            return 200, {"keys": [public | {"cloud_instance_name": "example", "issuer": self.issuer}]}
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/userinfo" and authorization == "Bearer access":
            return 200, self.claims
        if path == "/token":
            return self._token(form, authorization)
        return 404, {}

    @staticmethod
    def _of_entra() -> dict[str, Any]:
        """What Microsoft's discovery document has beside the rest."""
        return {
            "token_endpoint_auth_methods_supported": [
                *("client_secret_post", "private_key_jwt", "client_secret_basic")
            ],
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["pairwise"],
            "tenant_region_scope": "NA",
            "cloud_instance_name": "example",
        }

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.asked.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = (
            asked and asked["code_challenge"] == challenge and asked["redirect_uri"] == form["redirect_uri"]
        )
        if not asked or not fits or authorization != f"Basic {basic}":
            return 400, {"error": "invalid_grant"}
        if "token" in self.wrong:
            return 200, self.wrong["token"]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "sub": self.claims["sub"],
        }
        claims |= {} if self.in_userinfo else self.claims
        claims |= self.wrong
        claims = {name: value for name, value in claims.items() if value is not None and name != "signed_by"}
        key = self.wrong.get("signed_by", self.rsa if self.entra else self.key)
        header = (
            {"alg": "RS256", "kid": "two", "typ": "JWT"} if self.entra else {"alg": "ES256", "kid": "one"}
        )
        token = jwt.encode(header, claims, key)
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": token}


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            to = provider.wrong.get("redirect")
            if self.path.startswith("/authorize?"):
                back = provider.authorize(f"{provider.root}{self.path}")
                to = f"{provider.asked[back['code']]['redirect_uri']}?{urlencode(back)}"
            if to:
                self.send_response(302)
                self.send_header("Location", to)
                self.end_headers()
                return
            status, told = provider.answer(self.path, form, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
