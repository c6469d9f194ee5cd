"""Adding and changing accounts with carriers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cadence_app import vault
from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.of_inbox import driver_of
from cadence_app.messaging.carriers.scopes import spread
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.tenancy import tenant_in_use


class NameTaken(ValueError):
    """The tenant has an account of this name already."""


def all_accounts() -> list[CarrierAccount]:
    return list(db.session.scalars(select(CarrierAccount).order_by(CarrierAccount.name)))


def find_account(account_id: int) -> CarrierAccount | None:
    return db.session.get(CarrierAccount, account_id)


def add_account(admin: User, carrier: str) -> CarrierAccount:
    """A new account with the carrier of this code, not saved yet: set_account() fills it in. Errors: KeyError
    for a carrier this installation does not know."""
    code = providers.driver(carrier).code
    return CarrierAccount(
        tenant_id=admin.tenant_id, carrier=code, key=secrets.token_urlsafe(24), settings={}, secrets=""
    )


def set_account(
    admin: User,
    account: CarrierAccount,
    name: str,
    answers: KeywordAnswers,
    values: Mapping[str, str],
    inboxes: Collection[Inbox],
) -> None:
    """Fills in an account and which inboxes it carries, and commits. A secret that is left empty stays as it
    was. Errors: NameTaken."""
    fields = driver_of(account).fields
    before = _told(account)
    kept: dict[str, Any] = json.loads(vault.decrypt(account.secrets)) if account.secrets else {}
    given = {field.name: values[field.name] for field in fields if field.secret and values[field.name]}
    account.name, account.keyword_answers = name, answers
    account.settings = {field.name: values[field.name] for field in fields if not field.secret}
    account.secrets = vault.encrypt(json.dumps(kept | given))
    db.session.add(account)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise NameTaken(name) from error
    for inbox in carried_by(account):
        if inbox not in inboxes:
            inbox.carrier_account_id = None
    joining = [inbox for inbox in inboxes if inbox.carrier_account_id != account.id]
    spread(account, [inbox.id for inbox in joining])
    for inbox in joining:
        inbox.carrier_account_id = account.id
    db.session.flush()
    after = _told(account)
    changed = {name: (before.get(name), after.get(name)) for name in after}
    # That a secret changed is told; what it is never.
    changed["secrets"] = (None, ", ".join(sorted(given)) or None)
    audit.record(admin, "carrier_account.saved", name, **changed)
    db.session.commit()


def carried_by(account: CarrierAccount) -> list[Inbox]:
    query = select(Inbox).where(Inbox.carrier_account_id == account.id).order_by(Inbox.name, Inbox.id)
    return list(db.session.scalars(query)) if account.id else []


def self_managed_numbers(account: CarrierAccount) -> list[str]:
    """The numbers of the inboxes it carries whose opt outs the carrier leaves to us, as it said last."""
    return [inbox.number for inbox in carried_by(account) if inbox.number in account.self_managed]


def all_inboxes() -> list[Inbox]:
    return list(
        db.session.scalars(select(Inbox).where(Inbox.tenant_id == tenant_in_use()).order_by(Inbox.name))
    )


def webhook_url(account: CarrierAccount) -> str:
    """Where the carrier is to post texts."""
    return f"{current_app.config['PUBLIC_URL']}/webhooks/{account.carrier}/{account.key}"


def _told(account: CarrierAccount) -> dict[str, Any]:
    if account.id is None:
        return {}
    return {
        "name": account.name,
        "keyword_answers": account.keyword_answers,
        **account.settings,
        "inboxes": [inbox.number for inbox in carried_by(account)],
    }
