"""Who may sign in to the demo, with a password that everybody knows: in development mode only, whoever has it
and wherever the demo's data came from."""

from flask import current_app, has_request_context

from cadence_app import development

PASSWORD = "cadence-demo"  # noqa: S105 - printed at every start, and never in a database of somebody's own

SIGN_INS = [
    {"tenant": "Lakeside University", "email": "admin@lakeside.example", "password": PASSWORD},
    {"tenant": "Lakeside University", "email": "agent@lakeside.example", "password": PASSWORD},
    {"tenant": "Harbor College", "email": "admin@harbor.example", "password": PASSWORD},
    {"tenant": "Harbor College", "email": "agent@harbor.example", "password": PASSWORD},
]


def shown() -> list[dict[str, str]]:
    """What the sign-in page lists."""
    return SIGN_INS if current_app.config["DEMO_SIGN_INS"] and development.open_here() else []


def refused(password: str) -> bool:
    """Whether this is the demo's password, where it opens nothing."""
    opens = development.open_here() if has_request_context() else current_app.config["DEVELOPMENT"]
    return password == PASSWORD and not opens
