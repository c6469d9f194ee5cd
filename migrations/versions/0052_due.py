"""What is due is found by one query for each kind of work, whatever the number of tenants.

The indexes begin with the tenant and hold only what waits, so that who has nothing costs nothing and who has
much does not hide the others.
"""

from __future__ import annotations

from alembic import op

from migrations.due import in_turns, make_due, make_due_in_parts, make_due_rows, make_due_tenants, rows

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

# name, table, columns, which rows. Where it takes the place of an older one, that goes.
INDEXES = (
    (
        "ix_outgoing_mails_due",
        "outgoing_mails",
        "least(next_attempt_at, useless_after)",
        "next_attempt_at IS NOT NULL",
    ),
    ("ix_exports_expiring", "exports", "expires_at", "file_key <> ''"),
    (
        "ix_messages_overdue",
        "messages",
        "coalesce(next_attempt_at, created_at)",
        "state = 'queued' AND campaign_id IS NULL",
    ),
    (
        "ix_messages_unsettled",
        "messages",
        "coalesce(next_attempt_at, sending_since)",
        "state = 'sending' AND campaign_id IS NULL",
    ),
    ("ix_scheduled_texts_due", "scheduled_texts", "state, send_at", "state IN ('waiting', 'held')"),
    (
        "ix_webhook_endpoints_untold",
        "webhook_endpoints",
        "id",
        "off_at IS NOT NULL AND off_told_at IS NULL AND deleted_at IS NULL",
    ),
    ("ix_webhook_endpoints_deleted", "webhook_endpoints", "id", "deleted_at IS NOT NULL"),
    ("ix_webhook_deliveries_ended", "webhook_deliveries", "finished_at", "state <> 'pending'"),
    ("ix_unread_posts_decided", "unread_posts", "decided_at", "decision <> 'open'"),
    (
        "ix_imports_expiring",
        "imports",
        "expires_at",
        "(file_key <> '' OR result_key <> '') AND state NOT IN ('opening', 'checking', 'importing')",
    ),
    ("ix_imports_finished", "imports", "finished_at", "finished_at IS NOT NULL"),
)
REPLACED = {
    "outgoing_mails": ["ix_outgoing_mails_waiting"],
    "messages": ["ix_messages_sending"],
    "scheduled_texts": ["ix_scheduled_texts_due"],
}

# A mail that came too late is given up at once, one that waits for a job some time after it is due.
USELESS_OR_LOST = "(w.useless_after <= now() OR w.next_attempt_at <= now() - late)"
# A text is looked after at once when its carrier has asked to be tried again then, and a while after it was
# written, or handed over, where no worker has said anything since.
OVERDUE = "(w.next_attempt_at IS NOT NULL OR w.created_at <= now() - late)"
UNSETTLED = "w.sending_since <= now() - lost_sight_of"

ENDPOINT_HAS_WORK = """coalesce(w.quiet_until <= now(), true) AND (
            EXISTS (SELECT FROM opt_out_changes c WHERE c.tenant_id = w.tenant_id AND c.id > w.cursor)
            OR EXISTS (SELECT FROM webhook_deliveries d
                WHERE d.endpoint_id = w.id AND d.state = 'pending' AND d.next_attempt_at <= now()
                  AND NOT EXISTS (SELECT FROM webhook_deliveries e
                    WHERE e.endpoint_id = d.endpoint_id AND e.contact_id = d.contact_id
                      AND e.state = 'pending' AND e.id < d.id)))"""

READ_BACKS = """
SELECT a.tenant_id, a.id FROM carrier_accounts a
WHERE a.carrier = ANY (carriers)
  AND coalesce(a.read_tried_at, a.created_at - interval '1 hour') < now() - late
  AND (a.read_tried_at IS NULL OR a.read_tried_at < now() - interval '1 hour'
    OR EXISTS (SELECT FROM inbound_gaps g WHERE g.ended_at > a.settled_to))
  AND EXISTS (SELECT FROM inboxes i WHERE i.carrier_account_id = a.id)
ORDER BY row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.id), random() LIMIT at_most
"""
BLOCK_LISTS = """
SELECT a.tenant_id, a.id FROM carrier_accounts a WHERE a.carrier = ANY (carriers)
ORDER BY row_number() OVER (PARTITION BY a.tenant_id ORDER BY a.id), random() LIMIT at_most
"""

UNSEALED = """coalesce(
        (SELECT max(s.day) + 1 FROM seals s WHERE s.tenant_id = t.id),
        least(
            history_day((SELECT min(c.changed_at) FROM opt_out_changes c WHERE c.tenant_id = t.id)),
            history_day(t.created_at))
    ) < history_day(clock_timestamp() - late)"""

RETENTION = """(w.state IN ('counting', 'removing') OR w.state = 'ready' AND w.automatic)
            AND w.touched_at <= now() - late OR w.state = 'waiting' AND w.remove_at <= now()"""

# A zone that PostgreSQL does not know is taken for UTC: whoever begins the run looks again.
FIRST_OF_MONTH = """
CREATE FUNCTION first_of_month(zone text) RETURNS timestamptz LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN date_trunc('month', now(), zone);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN date_trunc('month', now(), 'UTC');
END $$;
REVOKE ALL ON FUNCTION first_of_month FROM public;
GRANT EXECUTE ON FUNCTION first_of_month TO cadence_lookup;
"""
MONTHLY_RUN = """t.retention_monthly
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.state IN ('counting', 'ready', 'waiting', 'removing'))
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.automatic AND r.requested_at >= first_of_month(t.time_zone))"""

# The earliest notice is two weeks before the day; whoever sends them knows the tenant's own day.
POLICY_NOTICE = """t.keyword_policy = 'organisation' AND t.suspended_at IS NULL
    AND t.keyword_policy_from <= (now() AT TIME ZONE 'UTC')::date + 15
    AND t.keyword_policy_told IS DISTINCT FROM 0"""

STANDING = "SELECT t, t FROM tenants_with_standing_due() t ORDER BY random() LIMIT at_most"

UNSUSPENDED = "NOT EXISTS (SELECT FROM tenants t WHERE t.id = w.tenant_id AND t.suspended_at IS NOT NULL)"


def upgrade() -> None:
    for table, names in REPLACED.items():
        for name in names:
            op.drop_index(name, table_name=table)
    for name, table, columns, where in INDEXES:
        op.execute(f"CREATE INDEX {name} ON {table} (tenant_id, {columns}) WHERE {where}")
    op.execute(FIRST_OF_MONTH)
    _of_mails_and_reports()
    _of_texts()
    _of_campaigns_and_contacts()
    _of_the_rest()


def _of_mails_and_reports() -> None:
    make_due_rows(
        "due_mails",
        "outgoing_mails",
        {"outgoing_mails": "tenant_id, id, next_attempt_at, useless_after"},
        waiting="w.next_attempt_at IS NOT NULL",
        due_at="least(w.next_attempt_at, w.useless_after)",
        due=f"least(w.next_attempt_at, w.useless_after) <= now() AND {USELESS_OR_LOST}",
    )
    make_due_rows(
        "due_exports",
        "exports",
        {"exports": "tenant_id, id, state, next_attempt_at, file_key, expires_at"},
        waiting="w.state IN ('queued', 'running', 'mailing')",
        due_at="w.next_attempt_at",
    )
    make_due_rows(
        "due_expired_exports",
        "exports",
        {"exports": "tenant_id, id, file_key, expires_at"},
        waiting="w.file_key <> ''",
        due_at="w.expires_at",
    )
    make_due_rows(
        "due_schedules",
        "export_schedules",
        {
            "export_schedules": "tenant_id, id, next_run_at, paused_at, deleted_at",
            "tenants": "id, suspended_at",
        },
        waiting="w.paused_at IS NULL AND w.deleted_at IS NULL",
        due_at="w.next_run_at",
        due=f"w.next_run_at <= now() - late AND {UNSUSPENDED}",
    )
    make_due_rows(
        "due_untold_deliveries",
        "export_deliveries",
        {"export_deliveries": "tenant_id, export_id, tell_at"},
        waiting="w.tell_at IS NOT NULL",
        due_at="w.tell_at",
        id_column="export_id",
    )
    make_due_rows(
        "due_webhook_endpoints",
        "webhook_endpoints",
        {
            "webhook_endpoints": "tenant_id, id, cursor, quiet_until, paused_at, off_at, deleted_at",
            "opt_out_changes": "tenant_id, id",
            "webhook_deliveries": "tenant_id, id, endpoint_id, contact_id, state, next_attempt_at",
        },
        waiting="w.paused_at IS NULL AND w.off_at IS NULL AND w.deleted_at IS NULL",
        due_at="w.id",
        due=ENDPOINT_HAS_WORK,
    )
    make_due_rows(
        "due_webhook_notices",
        "webhook_endpoints",
        {"webhook_endpoints": "off_told_at"},
        waiting="w.off_at IS NOT NULL AND w.off_told_at IS NULL AND w.deleted_at IS NULL",
        due_at="w.id",
        due="true",
    )
    ended = rows("webhook_deliveries", waiting="w.state <> 'pending'", due_at="w.finished_at")
    # Of an endpoint that is deleted nothing is kept.
    left = rows(
        "webhook_endpoints",
        waiting="w.deleted_at IS NOT NULL",
        due_at="w.id",
        due="EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = w.id)",
    )
    make_due("due_webhook_logs", f"({ended}) UNION ALL ({left})", {"webhook_deliveries": "finished_at"})
    make_due_rows(
        "due_notification_rules",
        "notification_rules",
        {
            "notification_rules": "tenant_id, id, enabled, cursor, digest_at",
            "opt_out_changes": "tenant_id, id",
        },
        waiting="w.enabled",
        due_at="w.id",
        due="CASE WHEN w.digest_at IS NULL THEN EXISTS (SELECT FROM opt_out_changes c"
        " WHERE c.tenant_id = w.tenant_id AND c.id > w.cursor) ELSE w.digest_at <= now() END",
    )


def _of_texts() -> None:
    text = "tenant_id, id, state, campaign_id, next_attempt_at, created_at, sending_since"
    queued = rows(
        "messages",
        waiting="w.state = 'queued' AND w.campaign_id IS NULL",
        due_at="coalesce(w.next_attempt_at, w.created_at)",
        due=f"coalesce(w.next_attempt_at, w.created_at) <= now() AND {OVERDUE}",
    )
    unsettled = rows(
        "messages",
        waiting="w.state = 'sending' AND w.campaign_id IS NULL",
        due_at="coalesce(w.next_attempt_at, w.sending_since)",
        due=f"coalesce(w.next_attempt_at, w.sending_since) <= now() AND {UNSETTLED}",
    )
    make_due("due_texts", in_turns(queued, unsettled), {"messages": text}, ", lost_sight_of interval")
    make_due_in_parts(
        "due_later_texts",
        "scheduled_texts",
        {"scheduled_texts": "tenant_id, id, state, send_at"},
        # Those that are held stay due until somebody decides.
        parts=["w.state = 'waiting'", "w.state = 'held'"],
        due_at="w.send_at",
    )
    make_due_rows(
        "due_media",
        "message_media",
        {"message_media": "tenant_id, id, next_attempt_at"},
        waiting="w.next_attempt_at IS NOT NULL",
        due_at="w.next_attempt_at",
    )
    make_due_rows(
        "due_discarded_files",
        "discarded_files",
        {"discarded_files": "tenant_id, id, due_at"},
        waiting="true",
        due_at="w.due_at",
    )
    make_due_rows(
        "due_carrier_events",
        "carrier_events",
        {"carrier_events": "tenant_id, id, next_attempt_at"},
        waiting="w.next_attempt_at IS NOT NULL",
        due_at="w.next_attempt_at",
    )
    # The gaps are everybody's: no policy is on them.
    op.execute("GRANT SELECT (ended_at) ON inbound_gaps TO cadence_lookup")
    account = "tenant_id, id, carrier, created_at, read_tried_at, settled_to"
    make_due(
        "due_read_backs",
        READ_BACKS,
        {"carrier_accounts": account, "inboxes": "carrier_account_id"},
        ", carriers text[]",
    )
    make_due("due_block_lists", BLOCK_LISTS, {"carrier_accounts": account}, ", carriers text[]")
    make_due_rows(
        "due_read_posts",
        "unread_posts",
        {"unread_posts": "tenant_id, id, decision, decided_at"},
        waiting="w.decision <> 'open'",
        due_at="w.decided_at",
    )


def _of_campaigns_and_contacts() -> None:
    make_due_rows(
        "due_campaigns",
        "campaigns",
        {"campaigns": "tenant_id, id, wake_at"},
        waiting="w.wake_at IS NOT NULL",
        due_at="w.wake_at",
    )
    imports = "tenant_id, id, state, touched_at, file_key, result_key, expires_at, finished_at"
    make_due_rows(
        "due_imports",
        "imports",
        {"imports": imports},
        waiting="w.state IN ('opening', 'checking', 'importing')",
        due_at="w.touched_at",
    )
    make_due_rows(
        "due_expired_imports",
        "imports",
        {"imports": imports},
        waiting="(w.file_key <> '' OR w.result_key <> '')"
        " AND w.state NOT IN ('opening', 'checking', 'importing')",
        due_at="w.expires_at",
    )
    make_due_rows(
        "due_named_imports",
        "imports",
        {"imports": imports, "import_contacts": "tenant_id, import_id"},
        waiting="w.finished_at IS NOT NULL",
        due_at="w.finished_at",
        due="w.finished_at <= now() - late"
        " AND EXISTS (SELECT FROM import_contacts n WHERE n.import_id = w.id)",
    )


def _of_the_rest() -> None:
    make_due_tenants(
        "due_seals",
        {
            "tenants": "id, created_at",
            "seals": "tenant_id, day",
            "opt_out_changes": "tenant_id, changed_at",
        },
        due=UNSEALED,
    )
    make_due_rows(
        "due_seal_checks",
        "seal_checks",
        {"seal_checks": "tenant_id, id, state, touched_at"},
        waiting="w.state IN ('queued', 'running')",
        due_at="w.touched_at",
    )
    runs = "tenant_id, id, state, automatic, touched_at, remove_at, requested_at"
    make_due_rows(
        "due_retention_runs",
        "retention_runs",
        {"retention_runs": runs},
        waiting="w.state IN ('counting', 'ready', 'waiting', 'removing')",
        due_at="w.id",
        due=f"({RETENTION})",
    )
    make_due_tenants(
        "due_monthly_retention",
        {"tenants": "id, retention_monthly, time_zone", "retention_runs": runs},
        due=MONTHLY_RUN,
    )
    make_due_rows(
        "due_old_sessions",
        "sign_in_sessions",
        {"sign_in_sessions": "tenant_id, id, last_seen_at"},
        waiting="true",
        due_at="w.last_seen_at",
    )
    make_due_rows(
        "due_old_api_keys",
        "idempotency_keys",
        {"idempotency_keys": "tenant_id, token_id, created_at"},
        waiting="true",
        due_at="w.created_at",
        id_column="token_id",
    )
    make_due_tenants(
        "due_policy_notices",
        {"tenants": "id, suspended_at, keyword_policy, keyword_policy_from, keyword_policy_told"},
        due=POLICY_NOTICE,
    )
    make_due("due_standing", STANDING, {})


def downgrade() -> None:
    raise RuntimeError("the sweeps need these queries")
