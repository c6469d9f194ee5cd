"""The schema as one text to read: what `flask cadence schema` prints, and docs/schema.sql holds.

It is read from PostgreSQL's catalogue, so it says what a database has, whichever migrations made it. Nothing
in it is of one machine: no ids, no version, and who owns the tables is "the owner", whatever their name is.
Tables and functions come in the order of their names; what belongs to a table stands with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, text

_HEAD = """\
-- The schema of the database, as the migrations make it: to read and to compare, not to run.
-- script/schema writes it, and tests/database/test_schema.py holds it to what the migrations make.
-- What is not said to belong to somebody belongs to the owner of the tables, whatever their name is.
-- A bigserial is a bigint that is filled from a sequence of its own.
"""

# What of the catalogue this module does not write down. Anything it finds is an error, never left out.
_UNSHOWN = """
SELECT 'relation ' || relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i', 'S', 't')
UNION ALL
SELECT 'type ' || t.typname FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = 'public'::regnamespace AND t.typcategory <> 'A' AND coalesce(c.relkind, '-') <> 'r'
UNION ALL
SELECT 'rule ' || r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'inheritance of ' || inhrelid::regclass FROM pg_inherits
JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'r'
UNION ALL
SELECT 'sequence ' || c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
UNION ALL
SELECT 'routine ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind <> 'f'
UNION ALL
SELECT 'options of ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
  AND (reloptions IS NOT NULL AND relkind <> 'i' OR relpersistence <> 'p'
    OR relkind = 'r' AND relreplident <> 'd')
UNION ALL
SELECT 'trigger that is not always on: ' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND t.tgenabled <> 'O'
UNION ALL
SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL
SELECT 'event trigger ' || evtname FROM pg_event_trigger
"""

_TABLES = """
SELECT c.oid, quote_ident(c.relname) AS name, c.relrowsecurity AS guarded, c.relforcerowsecurity AS forced,
    pg_get_userbyid(nullif(c.relowner, m.relowner))::text AS owner,
    obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c LEFT JOIN pg_class m ON m.oid = to_regclass('public.alembic_version')
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""
_COLUMNS = """
SELECT a.attrelid AS parent, quote_ident(a.attname) AS name, format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS needed, pg_get_expr(d.adbin, d.adrelid) AS filled, a.attidentity AS identity,
    a.attgenerated AS generated, pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS sequence,
    col_description(a.attrelid, a.attnum) AS comment
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
# That a column is never empty is said with the column.
_CONSTRAINTS = """
SELECT conrelid AS parent, conname AS name, contype AS kind, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype NOT IN ('n', 't')
"""
_INDEXES = """
SELECT i.indrelid AS parent, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint k
    WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
"""
_TRIGGERS = """
SELECT t.tgrelid AS parent, pg_get_triggerdef(t.oid) AS definition FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
"""
_POLICIES = """
SELECT p.polrelid AS parent, p.polname AS name, p.polpermissive AS permissive, p.polcmd AS command,
    ARRAY(SELECT CASE one WHEN 0 THEN 'public' ELSE pg_get_userbyid(one)::text END
          FROM unnest(p.polroles) AS one) AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS sees, pg_get_expr(p.polwithcheck, p.polrelid) AS may_write
FROM pg_policy p
"""
# Rights of whoever owns it say nothing. Of a sequence the parent is its table.
_RIGHTS = """
SELECT given.parent, given.what, given.place, given.name, one.privilege_type AS privilege,
    CASE one.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(one.grantee)::text END AS grantee,
    one.is_grantable AS grantable
FROM (
    SELECT oid AS parent, 'table' AS what, 0 AS place, relname::text AS name, relowner AS owner, relacl AS acl
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    UNION ALL
    SELECT a.attrelid, 'column', a.attnum, quote_ident(a.attname), c.relowner, a.attacl FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped
    UNION ALL
    SELECT d.refobjid, 'sequence', 0, c.relname, c.relowner, c.relacl FROM pg_class c
    JOIN pg_depend d ON d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
    UNION ALL
    SELECT oid, 'function', 0, oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS given CROSS JOIN LATERAL aclexplode(given.acl) AS one
WHERE one.grantee <> given.owner ORDER BY given.place
"""
_FUNCTIONS = """
SELECT f.oid, f.proname::text AS name, f.oid::regprocedure::text AS signature,
    pg_get_functiondef(f.oid) AS definition,
    pg_get_userbyid(nullif(f.proowner, m.relowner))::text AS owner,
    obj_description(f.oid, 'pg_proc') AS comment
FROM pg_proc f LEFT JOIN pg_class m ON m.oid = to_regclass('public.alembic_version')
WHERE f.pronamespace = 'public'::regnamespace
"""
_IN_ADVANCE = """
SELECT d.defaclobjtype AS kind, one.privilege_type AS privilege,
    pg_get_userbyid(one.grantee)::text AS grantee,
    pg_get_userbyid(nullif(d.defaclrole, m.relowner))::text AS owner
FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) AS one
LEFT JOIN pg_class m ON m.oid = to_regclass('public.alembic_version')
WHERE d.defaclnamespace = 'public'::regnamespace
"""
_KINDS_IN_ADVANCE = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES"}
_COMMANDS = {"*": "", "r": " FOR SELECT", "a": " FOR INSERT", "w": " FOR UPDATE", "d": " FOR DELETE"}
_KINDS_OF_CONSTRAINTS = "pucfx"
_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")

_Rows = dict[int, list[Any]]


def written(connection: Connection) -> str:
    """The schema `public` of a database as SQL to read. Whoever may connect may ask for it.

    Errors: RuntimeError for a kind of thing that this can't write down, such as a view.
    """
    connection.execute(text("SELECT set_config('search_path', 'public', true)"))
    if unshown := connection.scalars(text(_UNSHOWN)).all():
        raise RuntimeError(f"cadence_app/schema.py does not write down: {', '.join(sorted(unshown))}")
    rights = _by_parent(connection, _RIGHTS)
    tables = sorted(connection.execute(text(_TABLES)), key=lambda table: table.name)
    shown = [
        _by_parent(connection, query) for query in (_COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS, _POLICIES)
    ]
    functions = sorted(connection.execute(text(_FUNCTIONS)), key=lambda function: function.signature)
    blocks = [
        _HEAD,
        *_in_advance(connection),
        *(_table(table, [rows[table.oid] for rows in shown], rights[table.oid]) for table in tables),
        *(_function(function, rights[function.oid]) for function in functions),
    ]
    return "\n".join(blocks)


def _by_parent(connection: Connection, query: str) -> _Rows:
    found: _Rows = defaultdict(list)
    for row in connection.execute(text(query)):
        found[row.parent].append(row)
    return found


def _in_advance(connection: Connection) -> Iterable[str]:
    lines = sorted(
        f"ALTER DEFAULT PRIVILEGES{f' FOR ROLE {row.owner}' if row.owner else ''} IN SCHEMA public"
        f" GRANT {row.privilege} ON {_KINDS_IN_ADVANCE[row.kind]} TO {row.grantee};\n"
        for row in connection.execute(text(_IN_ADVANCE))
    )
    return ["".join(lines)] if lines else []


def _table(table: Any, shown: list[list[Any]], rights: list[Any]) -> str:
    columns, constraints, indexes, triggers, policies = shown
    constraints.sort(key=lambda row: (_KINDS_OF_CONSTRAINTS.index(row.kind), row.name))
    parts = [_column(table.name, column) for column in columns]
    parts += [f"CONSTRAINT {row.name} {row.definition}" for row in constraints]
    lines = [f"CREATE TABLE {table.name} (", ",\n".join(f"    {part}" for part in parts), ");"]
    if table.owner:
        lines.append(f"ALTER TABLE {table.name} OWNER TO {table.owner};")
    lines += sorted(f"{row.definition.replace(' ON public.', ' ON ', 1)};" for row in [*indexes, *triggers])
    for wanted, what in ((table.guarded, "ENABLE"), (table.forced, "FORCE")):
        if wanted:
            lines.append(f"ALTER TABLE {table.name} {what} ROW LEVEL SECURITY;")
    lines += sorted(_policy(table.name, policy) for policy in policies)
    lines += _grants(table.name, rights)
    if table.comment:
        lines.append(f"COMMENT ON TABLE {table.name} IS {_literal(table.comment)};")
    lines += [
        f"COMMENT ON COLUMN {table.name}.{column.name} IS {_literal(column.comment)};"
        for column in columns
        if column.comment
    ]
    return "\n".join(lines) + "\n"


def _column(table: str, column: Any) -> str:
    sequence = f"{table}_{column.name}_seq"
    filled_by_it = column.filled == f"nextval('{sequence}'::regclass)" and column.needed
    if column.type == "bigint" and filled_by_it and column.sequence == f"public.{sequence}":
        return f"{column.name} bigserial"
    parts = [column.name, column.type]
    if column.needed:
        parts.append("NOT NULL")
    if column.identity:
        parts.append(f"GENERATED {'ALWAYS' if column.identity == 'a' else 'BY DEFAULT'} AS IDENTITY")
    elif column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.filled}) {'STORED' if column.generated == 's' else ''}")
    elif column.filled is not None:
        parts.append(f"DEFAULT {column.filled}")
    return " ".join(parts)


def _policy(table: str, policy: Any) -> str:
    parts = [f"CREATE POLICY {policy.name} ON {table}{'' if policy.permissive else ' AS RESTRICTIVE'}"]
    parts[0] += _COMMANDS[policy.command]
    if policy.roles != ["public"]:
        parts.append(f"TO {', '.join(sorted(policy.roles))}")
    if policy.sees is not None:
        parts.append(f"USING ({policy.sees})")
    if policy.may_write is not None:
        parts.append(f"WITH CHECK ({policy.may_write})")
    return f"{' '.join(parts)};"


def _grants(table: str, rights: list[Any]) -> list[str]:
    whole: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    columns: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rights:
        grantee = f"{row.grantee} WITH GRANT OPTION" if row.grantable else row.grantee
        if row.what == "column":
            columns[row.privilege, grantee].append(row.name)
        else:
            target = table if row.what == "table" else f"SEQUENCE {row.name}"
            whole[row.what, target, grantee].append(row.privilege)
    lines = [
        f"GRANT {', '.join(sorted(given, key=_place))} ON {target} TO {grantee};"
        for (_, target, grantee), given in whole.items()
    ]
    lines += [
        f"GRANT {privilege} ({', '.join(names)}) ON {table} TO {grantee};"
        for (privilege, grantee), names in columns.items()
    ]
    return sorted(lines, key=lambda line: (" ON SEQUENCE " in line, line.rpartition(" TO ")[2], line))


def _place(privilege: str) -> tuple[int, str]:
    known = privilege in _PRIVILEGES
    return (_PRIVILEGES.index(privilege) if known else len(_PRIVILEGES), privilege)


def _function(function: Any, rights: list[Any]) -> str:
    definition = function.definition.replace("CREATE OR REPLACE FUNCTION public.", "CREATE FUNCTION ", 1)
    lines = [f"{definition.rstrip()};"]
    if function.owner:
        lines.append(f"ALTER FUNCTION {function.signature} OWNER TO {function.owner};")
    callers = sorted(row.grantee for row in rights)
    if "public" not in callers:
        lines.append(f"REVOKE ALL ON FUNCTION {function.signature} FROM public;")
        if callers:
            lines.append(f"GRANT EXECUTE ON FUNCTION {function.signature} TO {', '.join(callers)};")
    if function.comment:
        lines.append(f"COMMENT ON FUNCTION {function.signature} IS {_literal(function.comment)};")
    return "\n".join(lines) + "\n"


def _literal(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
