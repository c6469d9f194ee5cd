"""Which version of Cadence this is; CHANGELOG.md says what is in it."""

from __future__ import annotations

VERSION = "1.0.0.dev0"
