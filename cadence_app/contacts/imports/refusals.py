"""Why rows are refused, by kind, and what a person can choose for those of a kind instead."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Why a row is refused. The first ones are found in its cells, SAME_ID and SAME_NUMBER by the rows above
    it, those from NUMBER_TAKEN on by who is here. OTHER is of rows that were staged before kinds were."""

    HIDDEN = "hidden"
    MORE_CELLS = "more_cells"
    FORMULA = "formula"
    TOO_LONG = "too_long"
    BAD_NUMBER = "bad_number"
    UNKNOWN_TEAM = "unknown_team"
    BAD_STATUS = "bad_status"
    BAD_DAY = "bad_day"
    BAD_VALUE = "bad_value"
    BAD_CONSENT = "bad_consent"
    STATUS_WITHOUT_TEAM = "status_without_team"
    NOBODY_NAMED = "nobody_named"
    SAME_ID = "same_id"
    SAME_NUMBER = "same_number"
    ERASED = "erased"
    NUMBER_TAKEN = "number_taken"
    FURTHER_NUMBER = "further_number"
    SAME_PERSON = "same_person"
    CLOSED_TEAM = "closed_team"
    NO_NUMBER = "no_number"
    NO_TEAM = "no_team"
    OTHER = "other"


class Choice(StrEnum):
    """What is done with a refused row that a person looked at: names, tags and custom fields of the person it
    names are brought up to date, or its number is added as a further one of theirs. Neither touches consent
    or puts anybody into a team."""

    UPDATE = "update"
    FURTHER = "further"


# "{team}" stands for the mode's word.
TITLES = {
    Kind.HIDDEN: "Hidden in the sheet",
    Kind.MORE_CELLS: "More cells than the header has",
    Kind.FORMULA: "A cell that is a formula",
    Kind.TOO_LONG: "A cell that is too long",
    Kind.BAD_NUMBER: "Not a phone number",
    Kind.UNKNOWN_TEAM: "A code that no {team} has",
    Kind.BAD_STATUS: "A status that cannot be read",
    Kind.BAD_DAY: "A StatusDate that cannot be read",
    Kind.BAD_VALUE: "A value that does not fit its custom field",
    Kind.BAD_CONSENT: "How or when they agreed cannot be read",
    Kind.STATUS_WITHOUT_TEAM: "A status or an agreement without a {team}",
    Kind.NOBODY_NAMED: "Neither a ContactId nor a mobile number",
    Kind.SAME_ID: "A ContactId that is in the file twice",
    Kind.SAME_NUMBER: "A mobile number that is in the file twice",
    Kind.ERASED: "Erased or removed by age",
    Kind.NUMBER_TAKEN: "A number that another contact has",
    Kind.FURTHER_NUMBER: "A further number of another contact",
    Kind.SAME_PERSON: "A person who is in the file twice",
    Kind.CLOSED_TEAM: "A closed {team}",
    Kind.NO_NUMBER: "Nobody with this ContactId, and no number",
    Kind.NO_TEAM: "A new person without a {team}",
    Kind.OTHER: "Something else",
}
# What a person can do about the rows of a kind, beside leaving them out.
ADVICE = {
    Kind.HIDDEN: "Import them too with the button above, or leave them out.",
    Kind.MORE_CELLS: "Put a cell with a comma in it between quotation marks.",
    Kind.FORMULA: "Put the value in the place of the formula.",
    Kind.TOO_LONG: "Shorten the cell.",
    Kind.BAD_NUMBER: "Write the number in full, such as (212) 555-0123.",
    Kind.UNKNOWN_TEAM: "Press Change columns and choose a {team} for each code.",
    Kind.BAD_STATUS: "Write yes or no, or Opted Out or Opted In.",
    Kind.BAD_DAY: "Write the day as 2026-03-31, or with a time as 2026-03-31T09:30:00Z.",
    Kind.BAD_VALUE: "Correct the value, or leave the cell empty.",
    Kind.BAD_CONSENT: "Correct the cell, or leave it empty.",
    Kind.STATUS_WITHOUT_TEAM: "Write a {team} in the row, or press Change columns and choose one for all.",
    Kind.NOBODY_NAMED: "Add a ContactId or a mobile number.",
    Kind.SAME_ID: "Keep one row for each person.",
    Kind.SAME_NUMBER: "Keep one row for each number.",
    Kind.ERASED: "Nothing. A file cannot bring them back.",
    Kind.NUMBER_TAKEN: "Find out whose number it is. If both are one person, merge the two contacts.",
    Kind.FURTHER_NUMBER: "If both are one person, merge the two contacts.",
    Kind.SAME_PERSON: "Keep the row with the ContactId.",
    Kind.CLOSED_TEAM: "Write an open {team} in the row.",
    Kind.NO_NUMBER: "Add their mobile number.",
    Kind.NO_TEAM: "Write a {team} in the row, or press Change columns and choose one for all.",
    Kind.OTHER: "Look at the rows.",
}
CHOICES = {
    Choice.UPDATE: "Update that person",
    Choice.FURTHER: "Add as a further number",
}
_OF_KNOWN = (
    *(Kind.TOO_LONG, Kind.BAD_NUMBER, Kind.UNKNOWN_TEAM, Kind.BAD_STATUS, Kind.BAD_DAY, Kind.BAD_VALUE),
    *(Kind.STATUS_WITHOUT_TEAM, Kind.SAME_NUMBER, Kind.NUMBER_TAKEN, Kind.FURTHER_NUMBER, Kind.SAME_PERSON),
    *(Kind.BAD_CONSENT, Kind.CLOSED_TEAM),
)
# A kind that is not here can only be left out.
POSSIBLE = {Kind.SAME_ID: (Choice.UPDATE, Choice.FURTHER)} | dict.fromkeys(_OF_KNOWN, (Choice.UPDATE,))


def allows(kind: str, choice: Choice) -> bool:
    """Whether this can be chosen for rows of a kind."""
    return kind in list(Kind) and choice in POSSIBLE.get(Kind(kind), ())
