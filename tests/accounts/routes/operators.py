"""What operators may ask for, and last what begins and ends a session; lines.py says how to read it."""

from __future__ import annotations

TABLE = """
OPERATOR
GET POST  /operator/
GET POST  /operator/tenants/{tenant_id}
POST      /operator/tenants/{tenant_id}/screens
POST      /operator/tenants/{tenant_id}/suspend
POST      /operator/tenants/{tenant_id}/resume
GET       /operator/log
GET POST  /operator/second-factor

OPERATOR_MID_SIGN_IN
GET POST  /operator/sign-in/code

OPERATOR_SIGN_OUT
POST      /operator/sign-out

MID_SIGN_IN
GET POST  /login/code

SIGN_OUT
POST      /account/sessions/end-all
POST      /logout
"""
