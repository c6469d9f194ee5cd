"""Why a campaign leaves somebody out, in words for its lists, counts and files."""

from __future__ import annotations

from cadence_app.campaigns.models import Campaign, Reason


def words_of(campaign: Campaign, team: str) -> dict[Reason, str]:
    """Each reason; `team` is what a team is called here."""
    network = "toll-free network" if campaign.inbox.toll_free else "carrier"
    return {
        Reason.NOT_IN_TEAM: f"Nobody in this {team} has this number or ContactId",
        Reason.DUPLICATE: "In the list already",
        Reason.INBOX_CLOSED: "The inbox is closed, so it sends nothing",
        Reason.ORGANISATION_SUSPENDED: "The organization is suspended, so it sends nothing",
        Reason.NUMBER_UNSENDABLE: "A number to mend: no full one, or shared by two contacts",
        Reason.OPTED_OUT: "Opted out",
        Reason.PERSONAL_OPT_OUT: "Opted out of personal inboxes",
        Reason.CARRIER_BLOCK: f"Blocked by the {network}",
        Reason.POSSIBLE_OPT_OUT: "Possible opt out, nobody has decided yet",
    }
