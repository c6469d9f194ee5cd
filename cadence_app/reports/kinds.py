"""What can be exported. A kind is its columns and the SELECT that fills them."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from cadence_app.consent.models import REPORTED_SOURCES

# First characters that make a spreadsheet run a cell, as OWASP's page on CSV injection lists them (line feed
# and the full-width forms among them); a leading apostrophe makes the cell text again.
_DANGEROUS_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


@dataclass(frozen=True)
class Kind:
    """`rows` is the SELECT of the file, oldest first; `count` the number of its rows. Both take the
    range as %(starts_at)s and %(ends_at)s, UTC, the end excluded, and see one tenant only (tenancy.py)."""

    key: str
    title: str
    rows: sql.Composed
    count: sql.Composed


def _text(column: str) -> sql.Composed:
    """A column whose text somebody typed, defused."""
    # ascii() is the code point of the first character; a regular expression takes half as long again a row.
    return sql.SQL("CASE WHEN ascii({0}) IN ({1}) THEN '''' || {0} ELSE {0} END").format(
        sql.Identifier(column), sql.SQL(", ").join(sql.Literal(ord(start)) for start in _DANGEROUS_STARTS)
    )


_IN_RANGE = sql.SQL(
    "FROM opt_out_changes WHERE source IN ({sources})"
    " AND changed_at >= %(starts_at)s AND changed_at < %(ends_at)s"
).format(sources=sql.SQL(", ").join(sql.Literal(str(source)) for source in REPORTED_SOURCES))

OPT_OUT_HISTORY = Kind(
    key="opt-out-history",
    title="Opt out history",
    rows=sql.SQL(
        'SELECT {first_name} AS "FirstName", {last_name} AS "LastName", {external_id} AS "ContactId",'
        ' {team_code} AS "DepartmentCode", number AS "MobileNumber",'
        " CASE status WHEN 'opted_out' THEN 'Opted Out' ELSE 'Opted In' END AS \"Status\","
        ' to_char(changed_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') AS "StatusDate"'
        " {in_range} ORDER BY changed_at, id"
    ).format(
        first_name=_text("first_name"),
        last_name=_text("last_name"),
        external_id=_text("external_id"),
        team_code=_text("team_code"),
        in_range=_IN_RANGE,
    ),
    count=sql.SQL("SELECT count(*) {in_range}").format(in_range=_IN_RANGE),
)

KINDS = {kind.key: kind for kind in (OPT_OUT_HISTORY,)}
