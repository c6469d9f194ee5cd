"""What the carriers' codes of failure mean, in plain words.

Sources: Twilio's "Error and warning dictionary", Telnyx's "Messaging error code reference", AWS's "Event
types for SMS, MMS, and voice" and the reasons of the exceptions of its "SendTextMessage".
"""

from __future__ import annotations

BLOCKED = "The carrier blocks this number: its owner texted STOP to yours."

TWILIO = {
    "11751": "Its files are too large for the carrier.",
    "21211": "This is no telephone number.",
    "21408": "The account may not text to that country.",
    "21610": BLOCKED,
    "21612": "This number can't be reached from yours.",
    "21614": "This is no mobile number.",
    "30003": "The phone is off or out of reach.",
    "30004": "The phone's network refuses texts to it.",
    "30005": "The number is not in use.",
    "30006": "This is a landline, or its network can't be reached.",
    "30007": "The carrier took it for spam.",
    "30008": "The carrier does not say why.",
    "30019": "It is too large for the phone's network.",
    "30034": "Your number is not registered for this traffic (10DLC).",
}
TELNYX = {
    "40001": "This is a landline, or can't be reached.",
    "40002": "The carrier took it for spam.",
    "40003": "The carrier took it for spam and blocks your number.",
    "40004": "The phone's network refused it.",
    "40005": "It could not be delivered in time.",
    "40006": "The phone's network is out of reach.",
    "40008": "The phone's network did not take it.",
    "40300": BLOCKED,
    "40305": "Your number can't send texts with this account.",
    "40310": "This is no telephone number that can be texted.",
}
AWS = {
    "ACCOUNT_DISABLED": "AWS has disabled the account.",
    "DESTINATION_COUNTRY_BLOCKED": "The account may not text to that country.",
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": "The account is in AWS's sandbox: verified numbers only.",
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": BLOCKED,
    "INSUFFICIENT_ACCOUNT_REPUTATION": "AWS has paused the account for the complaints about it.",
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": "The account's spending limit for this month is reached.",
    "NO_ORIGINATION_IDENTITIES_FOUND": "Your number is not in the account.",
}
AWS_EVENTS = {
    "TEXT_BLOCKED": "The phone or its network blocks texts to it.",
    "TEXT_CARRIER_BLOCKED": "The phone's network blocks texts to it.",
    "TEXT_CARRIER_UNREACHABLE": "The phone's network is out of reach.",
    "TEXT_INVALID": "This is no telephone number that can be texted.",
    "TEXT_INVALID_MESSAGE": "The phone's network does not take what the text says.",
    "TEXT_PROTECT_BLOCKED": "The account's own protect rules in AWS block this number.",
    "TEXT_SPAM": "The carrier took it for spam.",
    "TEXT_TTL_EXPIRED": "It could not be delivered in time.",
    "TEXT_UNREACHABLE": "The phone is off or out of reach.",
}


def said(code: str, known: dict[str, str], theirs: str) -> str:
    """A code in our words, or else in the carrier's with the code."""
    if code in known:
        return known[code]
    detail = " ".join(theirs.split())[:200] or "it does not say why"
    return f"The carrier's answer: {detail}" + (f" (code {code})." if code else ".")
