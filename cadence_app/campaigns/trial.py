"""A campaign's text sent to oneself, before it goes to anybody else.

It goes as any text that a person sends by hand, to somebody of the team who may be texted, and nowhere else:
trying a text is no way around consent.
"""

from __future__ import annotations

from cadence_app.accounts.models import User
from cadence_app.campaigns.models import Campaign
from cadence_app.consent.by_user import consent_of
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.may_text import Kind
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import bars
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.merge_fields import tenant_fields
from cadence_app.messaging.models import Message
from cadence_app.messaging.sending import MAX_BODY_LENGTH, compose
from cadence_app.phone_numbers import parse_number, spellings
from cadence_app.ui.formatting import phone


class CannotTry(ValueError):
    """Nothing was sent; says why, and what to do, in words."""


def send(user: User, campaign: Campaign, typed: str) -> Message:
    """Queues the text as the person with this number would read it, and commits; the caller dispatches it.
    Errors: CannotTry; BadNumber of phone_numbers.py."""
    number = parse_number(typed)
    contact_id = contact_with(number)
    if contact_id is None or not lock_contacts([contact_id]) or not consent_of(contact_id, campaign.team_id):
        db.session.rollback()
        raise CannotTry(
            f"Nobody in {campaign.team.name} has the number {phone(number)}. Text any word from your phone to"
            f" {phone(campaign.inbox.number)} first: that adds you, and then you can try it."
        )
    contact = db.session.get_one(Contact, contact_id)
    body = tenant_fields().render(campaign.body, contact)
    why_not = _why_not(campaign, contact, number, body)
    if why_not:
        db.session.rollback()
        raise CannotTry(why_not)
    message = compose(user, conversation_with(campaign.inbox, contact_id), body)
    db.session.commit()
    return message


def _why_not(campaign: Campaign, contact: Contact, number: str, body: str) -> str:
    if contact.number not in spellings(number):
        return f"This number is of {contact.name or 'somebody'} who is texted at another one."
    if not body or len(body) > MAX_BODY_LENGTH:
        return "With your values in its fields the text is empty or too long."
    bar = bars.ask(campaign.inbox, contact.id, Kind.BY_HAND).bar
    return bars.words_of(bar, campaign.inbox) if bar else ""
