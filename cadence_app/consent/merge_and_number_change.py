"""What becomes of consent when a person's number changes, and when two records turn out to be one person.

Consent is given for a number. So it never goes along to another one by itself, and a merge never makes
anybody more reachable than they were.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, evidence, number_stops, possible, team_only
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_by_user import refuse_before
from cadence_app.consent.evidence_models import Way
from cadence_app.consent.ledger import Change, leave_teams, note_stop, record_changes
from cadence_app.consent.models import Consent, Source, Status
from cadence_app.extensions import db
from cadence_app.traces import Merging

NOT_CARRIED = "Their number changed, and consent does not go along with it."


def number_changed(user: User, contact_id: int, before: str, reason: str, given: Given | None = None) -> int:
    """Opts a contact, whom the caller holds and has given another number, out wherever they were opted in.

    `reason`, where it is not empty, says how they agreed to texts at the new number: it opts them in again in
    the teams that the user shares with them, and `given` is the evidence of it. Both are rows of the history:
    the opt out names the number of `before`, which it is about, the opt in the new one. Returns in how many
    teams they are opted in again. Errors: AgreedBefore.
    """
    team_only.forget([contact_id])
    opted_in = select(Consent.team_id).where(
        Consent.contact_id == contact_id, Consent.status == Status.OPTED_IN
    )
    team_ids = sorted(db.session.scalars(opted_in))
    shared = {team.id for team in user.teams} if reason else set()
    again = [team_id for team_id in team_ids if team_id in shared]
    refuse_before(contact_id, again, given, Way.NUMBER_CHANGE)
    for status, teams, why, number in (
        (Status.OPTED_OUT, team_ids, NOT_CARRIED, before),
        (Status.OPTED_IN, again, reason, None),
    ):
        record_changes(
            [
                Change(
                    *(contact_id, team_id, status, Source.NUMBER_CHANGE, user.id),
                    reason=why,
                    number=number,
                )
                for team_id in teams
            ]
        )
    number_stops.answered([(contact_id, team_id) for team_id in again])
    if given:
        evidence.record([(contact_id, team_id) for team_id in again], given, Way.NUMBER_CHANGE, user)
    return len(again)


def merged_status(of_texted: Status | None, of_other: Status | None) -> Status:
    """The status in a team of a person whom two records were of: that of the record whose number is texted
    and that of the other, None where it was not in the team."""
    both_agree = of_texted == Status.OPTED_IN and of_other != Status.OPTED_OUT
    return Status.OPTED_IN if both_agree else Status.OPTED_OUT


def standing(status: Status | None, stopped_everywhere: bool) -> Status | None:
    """The status that a record counts with in a team: missing, it is opted out by a stop of every team."""
    return Status.OPTED_OUT if status is None and stopped_everywhere else status


def merge(merging: Merging) -> None:
    """Gives a kept contact the stricter status of both in every team, all blocks and all flags of the one who
    is gone, and takes that one out of its teams. Who stopped every team is opted out of those too that they
    were not in. The caller holds both.
    """
    kept_id, gone_id, texted_id = merging.kept_id, merging.gone_id, merging.texted_id
    team_only.forget([kept_id, gone_id])
    kept, gone = _consents(kept_id), _consents(gone_id)
    texted, other = (kept, gone) if texted_id == kept_id else (gone, kept)
    other_id = gone_id if texted_id == kept_id else kept_id
    everywhere = blocks.stopped_everywhere((kept_id, gone_id))
    changes = []
    for team_id in sorted(kept.keys() | gone.keys()):
        status = merged_status(
            standing(_status(texted.get(team_id)), texted_id in everywhere),
            standing(_status(other.get(team_id)), other_id in everywhere),
        )
        changes.append(
            Change(
                *(kept_id, team_id, status, Source.MERGE, merging.user_id),
                reason=f"Merged with {merging.who}.",
            )
        )
    stops = {
        change.team_id: stopped
        for change in changes
        if change.status == Status.OPTED_OUT
        and (
            stopped := _stopped_at(
                change.team_id, (kept, everywhere.get(kept_id)), (gone, everywhere.get(gone_id))
            )
        )
    }
    record_changes(changes)
    for team_id, stopped_at in stops.items():
        note_stop(kept_id, team_id, stopped_at)
    blocks.move(kept_id, gone_id)
    possible.give_to(kept_id, gone_id)
    leave_teams([gone_id])


def _consents(contact_id: int) -> dict[int, Consent]:
    query = select(Consent).where(Consent.contact_id == contact_id)
    rows = db.session.scalars(query.execution_options(populate_existing=True))
    return {consent.team_id: consent for consent in rows}


def _status(consent: Consent | None) -> Status | None:
    return consent.status if consent else None


def _stopped_at(team_id: int, *sides: tuple[dict[int, Consent], datetime | None]) -> datetime | None:
    """When the person last stopped this team by their own words, whichever record says so: a side is its
    consents, and since when it has stopped every team, which tells where it is not in this one."""
    times = [
        consents[team_id].stopped_at if team_id in consents else everywhere for consents, everywhere in sides
    ]
    return max((at for at in times if at), default=None)
