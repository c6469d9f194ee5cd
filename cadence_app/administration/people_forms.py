"""The forms of Settings > Users."""

from __future__ import annotations

from typing import Any

from wtforms import EmailField, RadioField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from cadence_app.accounts.models import Role, Team
from cadence_app.administration.forms import ZONES, NameForm
from cadence_app.form_fields import MultiCheckboxField, no_control_characters, stripped
from cadence_app.reports.forms import offered
from cadence_app.ui.navigation import Words

ROLE_NAMES = {
    Role.AGENT: "Agent: works with messages and contacts",
    Role.ADMIN: "Admin: all that, and every report and setting",
    Role.AUDITOR: "Auditor: reads every report, and nothing else",
}


class UserForm(NameForm):
    """`teams` takes ids of the teams that the form is given."""

    role = RadioField("Role", [offered], validate_choice=False)
    teams = MultiCheckboxField("Teams", [offered], coerce=int, default=list, validate_choice=False)

    def __init__(self, words: Words, teams: list[Team], **options: Any) -> None:
        super().__init__(**options)
        self._teams = {team.id: team for team in teams}
        self.role.choices = [SelectChoice(str(role), name) for role, name in ROLE_NAMES.items()]
        self.teams.label.text = words.Teams
        self.teams.choices = [SelectChoice(team.id, team.name) for team in teams]

    @property
    def chosen_role(self) -> Role:
        return Role(self.role.data)

    @property
    def chosen_teams(self) -> list[Team]:
        return [self._teams[team_id] for team_id in self.teams.data or ()]


class InviteForm(UserForm):
    email = EmailField(
        "E-mail",
        [InputRequired("Enter an e-mail address."), Length(max=254), no_control_characters],
        filters=[stripped],
    )


class EditForm(UserForm):
    time_zone = SelectField(
        "Time zone",
        choices=[SelectChoice("", "The organization's"), *(SelectChoice(zone, zone) for zone in ZONES)],
    )
