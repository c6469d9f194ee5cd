"""What the demo's admin has changed under Settings, so that its pages and the audit log are not empty."""

from __future__ import annotations

from cadence_app.accounts.models import Team, User
from cadence_app.administration import inboxes as inbox_settings
from cadence_app.administration import teams as team_settings
from cadence_app.inboxes.models import Inbox


def load_settings(admin: User, teams: list[Team], inboxes: list[Inbox]) -> None:
    """A text of a team's own and an inbox with a new name."""
    team = teams[-1]
    ours = f"{team.tenant.name} {team.name}: You will get no more texts. Reply START to come back."
    team_settings.set_texts(admin, team, ours, "", "")
    inbox_settings.rename(admin, inboxes[len(teams)], "Toll-free desk")
