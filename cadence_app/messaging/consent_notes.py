"""What whoever reads a conversation is told of a contact's text, where its effect is not what it seems."""

from __future__ import annotations

from cadence_app.accounts.models import Team
from cadence_app.consent.deciding import ANSWER_WITHIN, Note

_WORDS = {
    Note.HAD_STOPPED: "No confirmation: they had stopped already.",
    Note.SENT_BEFORE_STOP: "Sent before the contact's last opt-out word, so it changes nothing.",
    Note.SENT_BEFORE_OPT_OUT: "Sent before they were opted out here, so it changes nothing.",
    Note.OTHER_PHONE: (
        "Sent from another number of theirs, so it opts in nothing: consent is for the number that is texted."
    ),
    Note.CARRIER_BLOCKS: ("Opted in here, but the carrier still blocks this number until they text START."),
    Note.NETWORK_BLOCKS: (
        "Opted in here, but the toll-free network still blocks this number until they text START or UNSTOP."
    ),
    Note.ONLY_THIS_TEAM: "They meant {team} only: elsewhere it is as it was before their opt-out word.",
    Note.ANSWER_TOO_LATE: (
        f"Came more than {ANSWER_WITHIN.days} days after the question, so it changes nothing."
    ),
}


def words_for(note: Note, team: Team) -> str:
    """A note about a text to an inbox of this team, as a sentence."""
    return _WORDS[note].replace("{team}", team.name)
