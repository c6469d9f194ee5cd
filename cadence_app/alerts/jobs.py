"""The sweeps that find what is to be told, and the job that tells browsers."""

from __future__ import annotations

from cadence_app.alerts import mailing, pushing, queueing
from cadence_app.messaging import for_me
from cadence_app.tenancy import use_tenant
from cadence_app.work.leases import held
from cadence_app.work.sweeps import EVERYBODY, sweep


@queueing.sending.does
def send_pushes(tenant_id: int) -> None:
    """Sends what is due to a tenant's browsers. Running it again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    with held("push notices") as mine:
        if mine:
            pushing.send_due()
    # Looked at after letting go: what came meanwhile may have woken a job that found it held.
    if mine and pushing.has_due():
        queueing.wake(tenant_id)


@sweep("due_text_notices")
def sweep_text_notices(tenant_id: int, inbox_id: int) -> None:
    """Tells of an inbox's new texts."""
    if queueing.tell_of_texts(inbox_id):
        queueing.wake(tenant_id)


@sweep("due_for_me_notices")
def sweep_for_me_notices(tenant_id: int, user_id: int) -> None:
    """Tells a user's browsers what is for them."""
    if queueing.tell_of_mine(user_id):
        queueing.wake(tenant_id)


@sweep("due_push_notices", of_each=1)
def sweep_push_notices(tenant_id: int, _: int) -> None:
    """Queues the sending to a tenant's browsers."""
    queueing.wake(tenant_id)


@sweep("due_for_me_mails", late=mailing.MAILED_AFTER)
def sweep_for_me_mails(tenant_id: int, user_id: int) -> None:
    """Mails a user what is for them, unless they saw it."""
    mailing.mail_mine(user_id)


@sweep("due_waiting_mails", every=60)
def sweep_waiting_mails(tenant_id: int, user_id: int) -> None:
    """Mails a user that texts have waited for long."""
    mailing.mail_waiting(user_id)


@sweep("due_old_for_me", late=for_me.KEPT, every=3600, queue="sweeps", of_each=1, at_most=EVERYBODY)
def sweep_old_for_me(tenant_id: int, _: int) -> None:
    """Forgets what was for a tenant's users long ago."""
    for_me.forget_old()
