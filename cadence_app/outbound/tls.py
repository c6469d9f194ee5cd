"""How certificates are verified: by the machine's authorities and certifi's, against the host's name."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

import certifi


def context() -> ssl.SSLContext:
    """Reading the authorities takes longer than a request, so they are read once; SSL_CERT_FILE and
    SSL_CERT_DIR add others, as OpenSSL does."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _context(*_: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.load_verify_locations(certifi.where())
    return made
