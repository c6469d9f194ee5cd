"""What programs ask for, with a signature or a token; lines.py says how to read it."""

from __future__ import annotations

TABLE = """
WEBHOOK
POST      /webhooks/{carrier}/{key}

API
GET       /api/v1/changes
POST      /api/v1/consents/bulk
GET POST  /api/v1/contacts
GET       /api/v1/contacts/{contact_id}
GET       /api/v1/contacts/{contact_id}/consents
PUT       /api/v1/contacts/{contact_id}/consents/{team}
GET       /api/v1/contacts/{contact_id}/may-text
GET POST  /api/v1/exports
GET       /api/v1/exports/{export_id}
GET       /api/v1/exports/{export_id}/file
GET       /api/v1/teams
"""
