-- Who runs the server. An operator is of no tenant, and sees nothing of one but names and counts.

-- Made at the command line only.
CREATE TABLE operators (
    id bigserial CONSTRAINT pk_operators PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_sign_in_at timestamptz,
    session_key text NOT NULL DEFAULT '',
    second_factor_secret text NOT NULL DEFAULT '',
    second_factor_since timestamptz,
    second_factor_step bigint NOT NULL DEFAULT '0',
    recovery_codes bytea[] NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX uq_operators_email ON operators (lower(email));
GRANT SELECT, INSERT, UPDATE ON operators TO cadence_app;

-- What was done to or with an operator's account, which is in no tenant's log. Append-only.
CREATE TABLE operator_entries (
    id bigserial CONSTRAINT pk_operator_entries PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL
);
GRANT SELECT, INSERT ON operator_entries TO cadence_app;
