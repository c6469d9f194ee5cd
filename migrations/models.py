"""The models as the database has them: what `flask db check` and `flask db migrate` compare it with.

Two things are not in the models, for no query needs them: that keys between tables of tenants carry the
tenant (carry_tenant() in tenants.py), and what is only ever reached by SQL. What PostgreSQL alone knows of
(checks, policies, rights, functions, triggers) is not compared; docs/schema.sql shows it.
"""

from __future__ import annotations

import sqlalchemy as sa

TENANT = "tenant_id"


def as_migrated(models: sa.MetaData) -> sa.MetaData:
    """A copy of the models' tables with what the migrations add to them."""
    tables = sa.MetaData(naming_convention=models.naming_convention)
    for model in models.tables.values():
        model.to_metadata(tables)
    _add_what_only_sql_reaches(tables)
    for table in tables.tables.values():
        for key in list(table.foreign_key_constraints):
            if TENANT in table.c and TENANT in key.referred_table.c:
                _carry(table, key)
    return tables


def _carry(table: sa.Table, key: sa.ForeignKeyConstraint) -> None:
    own, parent = list(key.column_keys), key.referred_table
    theirs = [element.column.name for element in key.elements]
    if TENANT in own or TENANT in theirs:
        return
    table.constraints.remove(key)
    columns = [TENANT, *theirs]
    table.append_constraint(
        sa.ForeignKeyConstraint(
            [TENANT, *own],
            [f"{parent.name}.{column}" for column in columns],
            name=key.name,
            ondelete=key.ondelete,
            deferrable=key.deferrable,
            initially=key.initially,
        )
    )
    uniques = (sa.UniqueConstraint, sa.PrimaryKeyConstraint)
    if not any(
        isinstance(c, uniques) and [col.name for col in c.columns] == columns for c in parent.constraints
    ):
        name = f"uq_{parent.name}_{'_'.join(columns)}"[:63]
        parent.append_constraint(sa.UniqueConstraint(*columns, name=name))


def _add_what_only_sql_reaches(tables: sa.MetaData) -> None:
    # work/leases.py
    sa.Table(
        "leases",
        tables,
        sa.Column(
            TENANT, sa.BigInteger(), sa.ForeignKey("tenants.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    )
    # number_key.py
    sa.Table(
        "number_key_check",
        tables,
        sa.Column("single", sa.Boolean(), primary_key=True, server_default=sa.true()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
    )
    # changes_with(), for the history's search; in PostgreSQL's own spelling, which is compared
    whole = "(((((first_name || ' ') || last_name) || ' ') || external_id) || ' ') || number"
    sa.Index(
        "ix_opt_out_changes_threes",
        sa.text(f"threes(lower({whole}))"),
        postgresql_using="gin",
        _table=tables.tables["opt_out_changes"],
    )
    # find_contacts()
    sa.Index(
        "ix_contacts_named",
        sa.text("named_in(tenant_id, first_name, last_name, external_id)"),
        postgresql_using="gin",
        _table=tables.tables["contacts"],
    )
    numbers = tables.tables["contact_numbers"]
    sa.Index(
        "ix_contact_numbers_digits",
        sa.text("digits_in(tenant_id, number)"),
        postgresql_using="gin",
        postgresql_where=numbers.c.until.is_(None),
        _table=numbers,
    )
