"""The consent ledger: keywords, rules, status with its history, and the seals that prove it."""

from __future__ import annotations

from cadence_app.consent import jobs, seal_models, traces

__all__ = ["jobs", "seal_models", "traces"]
