"""Filters that are kept under a name, to open again and to share."""

from __future__ import annotations
