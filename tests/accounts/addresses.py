"""What tests of e-mail addresses share: one that is nobody's, and a domain with a provider."""

from __future__ import annotations

import uuid

from cadence_app.accounts.sign_in_models import SingleSignOn, SingleSignOnDomain
from cadence_app.extensions import db
from tests.world import World


def new_address() -> str:
    return f"{uuid.uuid4().hex}@people.example"


def add_provider(world: World, domain: str) -> None:
    with world.session():
        sso = SingleSignOn(
            tenant_id=world.tenant_id, issuer="https://x.example", client_id="c", client_secret=""
        )
        sso.creates_users = True
        db.session.add_all([sso, SingleSignOnDomain(domain=domain, tenant_id=world.tenant_id)])
        db.session.commit()
