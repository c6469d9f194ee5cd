"""Who may sign in to the demo; loaded only where demo data is asked for or the database is our own."""

PASSWORD = "cadence-demo"  # noqa: S105 - printed at every start, and never in a database of somebody's own

SIGN_INS = [
    {"tenant": "Lakeside University", "email": "admin@lakeside.example", "password": PASSWORD},
    {"tenant": "Lakeside University", "email": "agent@lakeside.example", "password": PASSWORD},
    {"tenant": "Harbor College", "email": "admin@harbor.example", "password": PASSWORD},
    {"tenant": "Harbor College", "email": "agent@harbor.example", "password": PASSWORD},
]
