"""What nobody in particular, agents and auditors may ask for; lines.py says how to read it."""

from __future__ import annotations

TABLE = """
PUBLIC
GET       /static/{filename}
GET       /healthz
GET       /favicon.ico
GET       /manifest.webmanifest
GET       /sw.js
GET POST  /login
GET POST  /operator/sign-in
GET POST  /forgot-password
GET POST  /invitation/{token}
GET POST  /reset-password/{token}
GET POST  /confirm-address/{token}
GET POST  /login/sso
GET POST  /unsubscribe/{token}
GET       /media/{token}
GET       /login/sso/callback
GET       /api/v1/openapi.json
GET POST  /dev/phone/
GET       /dev/mail/
GET       /dev/mail/{mail}
GET       /dev/mail/{mail}/html
GET       /dev/mail/{mail}/attachments/{number}

SIGNED_IN
GET       /
GET       /find/
GET       /help/
GET       /help/{page}
GET       /reports/analytics
GET POST  /account/
GET POST  /account/password
GET POST  /account/email
POST      /account/email/drop
GET       /account/sessions
GET POST  /account/two-factor

OWN_ONLY
POST      /account/notifications/browsers/{subscription_id}/remove
POST      /account/sessions/{session_id}/end

DESK
GET       /messages/
GET       /messages/possible-opt-outs/
GET       /messages/fresh
POST      /messages/bulk
POST      /messages/choices
GET       /messages/waiting
GET       /messages/for-me/
POST      /messages/for-me/seen
GET POST  /account/notifications
POST      /account/notifications/browsers
POST      /account/notifications/browsers/here
POST      /account/notifications/browsers/test
GET POST  /messages/new
GET       /messages/new/people
GET       /contacts/
POST      /contacts/selected/
GET POST  /contacts/new
GET       /campaigns/
GET POST  /campaigns/new
POST      /campaigns/preview
POST      /campaigns/count
GET       /campaigns/templates/
GET POST  /campaigns/templates/new

OWN_PRESS
POST      /messages/undo/{new_batch_id}
POST      /contacts/selected/undo/{new_press_id}

OWN_RECORD
GET       /messages/conversations/{conversation_id}
GET       /messages/conversations/{conversation_id}/fresh
GET       /messages/conversations/{conversation_id}/texts/{our_text_id}
POST      /messages/conversations/{conversation_id}/send
POST      /messages/conversations/{conversation_id}/consent
POST      /messages/new/{contact_id}/teams/{team_id}/consent
GET       /messages/media/{media_id}
GET POST  /messages/drafts/reason/{contact_id}/{team_id}
POST      /messages/conversations/{conversation_id}/notes
POST      /messages/conversations/{conversation_id}/assignment
POST      /messages/conversations/{conversation_id}/unread
POST      /messages/conversations/{conversation_id}/done
POST      /messages/possible-opt-outs/{flag_id}
GET       /contacts/{contact_id}
GET POST  /contacts/{contact_id}/edit
POST      /contacts/{contact_id}/teams/{team_id}/consent
GET POST  /contacts/{contact_id}/teams/{team_id}/agreed
POST      /contacts/{contact_id}/name
POST      /contacts/{contact_id}/tags
POST      /contacts/{contact_id}/tags/{tag_id}/remove
GET POST  /contacts/{contact_id}/numbers
POST      /contacts/{contact_id}/numbers/{new_number_id}/end
POST      /contacts/{contact_id}/personal-inboxes
GET POST  /messages/conversations/{conversation_id}/later/{text_id}
POST      /messages/conversations/{conversation_id}/later/{new_text_id}/cancel
POST      /messages/conversations/{conversation_id}/texts/{message_id}/undo
POST      /messages/conversations/{conversation_id}/texts/{message_id}/send-now
GET       /campaigns/{campaign_id}
GET POST  /campaigns/{campaign_id}/edit
GET       /campaigns/{campaign_id}/progress
GET       /campaigns/{campaign_id}/{list}
GET       /campaigns/{campaign_id}/{list}.csv
POST      /campaigns/{campaign_id}/{list}/done
POST      /campaigns/{campaign_id}/{list}/undo
POST      /campaigns/{campaign_id}/test
POST      /campaigns/{campaign_id}/send
POST      /campaigns/{campaign_id}/pause
POST      /campaigns/{campaign_id}/resume
POST      /campaigns/{campaign_id}/cancel
POST      /campaigns/{new_campaign_id}/delete
GET POST  /campaigns/templates/{template_id}
POST      /campaigns/templates/{new_template_id}/delete

OWN_RECORD_OR_AUDITOR
GET       /contacts/{contact_id}/certificate
GET       /contacts/{contact_id}/certificate.pdf

AUTHOR_OR_ADMIN
POST      /messages/conversations/{conversation_id}/notes/{new_note_id}/delete

REPORTS
GET       /reports/ legacy
GET       /reports/message-activity legacy
GET       /reports/evidence
GET       /reports/consent-evidence legacy
GET POST  /reports/opt-out-changes/export legacy
GET POST  /reports/{kind}/export legacy
GET       /reports/overview
GET       /reports/exports
GET POST  /reports/exports/opt-out-history
GET POST  /reports/exports/{kind}
GET       /exports/list
GET       /reports/saved/
GET POST  /reports/saved/new
GET       /reports/proof/
GET       /reports/proof/checks
POST      /reports/proof/verify

REPORTS_RECORD
GET       /exports/{export_id}/download
POST      /exports/{export_id}/retry
GET       /reports/saved/{saved_id}
"""
