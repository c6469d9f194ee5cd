"""Two organisations that could be real, for trying Cadence out."""

from __future__ import annotations

from cadence_app.demo.load import load_demo

__all__ = ["load_demo"]
