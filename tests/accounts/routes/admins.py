"""What an admin alone may ask for, of their own organisation; lines.py says how to read it."""

from __future__ import annotations

TABLE = """
ADMIN
GET POST  /contacts/import/
GET POST  /settings/first-steps/
GET       /contacts/import/list
GET       /contacts/import/columns.csv
GET       /contacts/to-mend
GET       /reports/schedules/
GET POST  /reports/schedules/new
GET       /settings/
GET POST  /settings/api-tokens
GET       /api/v1/docs
GET POST  /settings/organisation/
POST      /settings/organisation/opting-out
POST      /settings/organisation/signing-in
POST      /settings/organisation/notices
GET POST  /settings/single-sign-on
POST      /settings/single-sign-on/test
POST      /settings/single-sign-on/remove
GET       /settings/users/
GET POST  /settings/users/invite
GET POST  /settings/screens/
GET POST  /settings/custom-fields/
GET POST  /settings/tags/
GET POST  /settings/teams/
GET POST  /settings/inboxes/
GET       /settings/audit-log/
GET POST  /settings/campaigns/
GET POST  /settings/keywords/
GET       /settings/carriers/
GET POST  /settings/carriers/new/{carrier}
GET       /settings/unread-texts/
POST      /settings/unread-texts/read
GET       /settings/notifications/
GET       /settings/webhooks
GET POST  /settings/webhooks/new
GET       /settings/destinations
GET POST  /settings/destinations/new/{protocol}
GET POST  /settings/retention/
GET POST  /settings/left-behind/
POST      /settings/retention/monthly
POST      /settings/retention/runs

ADMIN_RECORD
GET       /contacts/{contact_id}/merge
GET POST  /contacts/{contact_id}/merge/{other_id}
GET POST  /contacts/{contact_id}/erase
POST      /contacts/{contact_id}/data
POST      /contacts/to-mend/{contact_id}/leave
GET POST  /contacts/{contact_id}/hold
GET POST  /reports/saved/{saved_id}/edit
POST      /reports/saved/{saved_id}/delete
POST      /settings/keywords/{keyword_id}/remove
GET POST  /settings/carriers/{account_id}
POST      /settings/carriers/{account_id}/gaps
GET       /settings/unread-texts/{post_id}
POST      /settings/unread-texts/{post_id}/handled
POST      /settings/unread-texts/{post_id}/opt-out
GET POST  /settings/notifications/{team_id}/{event_name}
GET       /settings/webhooks/{endpoint_id}
POST      /settings/webhooks/{endpoint_id}/resend
GET       /settings/webhooks/{endpoint_id}/deliveries/{delivery_id}
POST      /settings/webhooks/{endpoint_id}/deliveries/{delivery_id}/resend
GET POST  /settings/webhooks/{endpoint_id}/edit
GET POST  /settings/webhooks/{endpoint_id}/roll
POST      /settings/webhooks/{endpoint_id}/pause
POST      /settings/webhooks/{endpoint_id}/resume
POST      /settings/webhooks/{endpoint_id}/test
GET POST  /settings/webhooks/{endpoint_id}/delete
GET POST  /settings/destinations/{destination_id}/edit
GET POST  /settings/destinations/{destination_id}/key
POST      /settings/destinations/{destination_id}/test
POST      /settings/destinations/{destination_id}/pause
POST      /settings/destinations/{destination_id}/resume
GET POST  /settings/destinations/{destination_id}/delete
GET       /settings/retention/runs/{run_id}
GET       /settings/retention/runs/{run_id}/contacts.csv
GET POST  /settings/retention/runs/{run_id}/remove
POST      /settings/retention/runs/{run_id}/stop
GET POST  /contacts/import/{import_id}/columns
POST      /contacts/import/{import_id}/reading
GET       /contacts/import/{import_id}
GET       /contacts/import/{import_id}/progress
POST      /contacts/import/{import_id}/hidden-rows
POST      /contacts/import/{import_id}/refused
POST      /contacts/import/{import_id}/start
POST      /contacts/import/{import_id}/cancel
POST      /contacts/import/{import_id}/area-code
POST      /contacts/import/{import_id}/change-columns
POST      /contacts/import/{import_id}/resume
GET       /contacts/import/{import_id}/refused.csv
GET POST  /settings/custom-fields/{field_id}
POST      /settings/custom-fields/{field_id}/move
GET POST  /settings/custom-fields/{field_id}/delete
GET POST  /settings/tags/{tag_id}
GET POST  /settings/tags/{tag_id}/delete
GET POST  /settings/teams/{team_id}
POST      /settings/teams/{team_id}/members
POST      /settings/teams/{team_id}/texts
GET POST  /settings/teams/{team_id}/close
POST      /settings/teams/{team_id}/reopen
GET POST  /settings/inboxes/{inbox_id}
POST      /settings/inboxes/{inbox_id}/owner
GET POST  /settings/inboxes/{inbox_id}/close
GET POST  /settings/inboxes/{inbox_id}/out-of-office
POST      /settings/inboxes/{inbox_id}/reopen
GET POST  /reports/schedules/{schedule_id}/edit
POST      /reports/schedules/{schedule_id}/pause
POST      /reports/schedules/{schedule_id}/resume
POST      /reports/schedules/{schedule_id}/send
GET POST  /reports/schedules/{schedule_id}/delete
GET POST  /settings/api-tokens/{token_id}/revoke
GET POST  /settings/users/{user_id}
POST      /settings/users/{user_id}/resend
POST      /settings/users/{user_id}/reset-link
POST      /settings/users/{user_id}/reset-second-factor
GET POST  /settings/users/{user_id}/deactivate
POST      /settings/users/{user_id}/reactivate
"""
