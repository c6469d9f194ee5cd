"""Which single sign-on issuers belong to one organisation, and what Microsoft Entra's tokens say of a person.

Sources: Microsoft's documentation (learn.microsoft.com/entra/identity-platform), "ID token claims reference",
"Optional claims reference" and "Migrate away from using email claims for user identification or
authorization".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

# Microsoft's clouds: worldwide, United States government, China.
ENTRA_HOSTS = {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
# Where everybody's personal Microsoft account is.
_PERSONAL = uuid.UUID("9188040d-6c67-4c5b-b112-36a304b66dad")
# Issuers that sign in the people of any organisation, and of none.
_EVERYBODYS = {
    *("accounts.google.com", "appleid.apple.com", "gitlab.com", "login.live.com", "login.salesforce.com"),
    *("slack.com", "www.facebook.com", "www.linkedin.com", "www.paypal.com", "sts.windows.net"),
}
# Mail providers for anybody: no organisation's issuer speaks for their addresses.
_ANYBODYS_MAIL = {
    *("aol.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com"),
    *("hotmail.com", "icloud.com", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com"),
    *("outlook.com", "pm.me", "proton.me", "protonmail.com", "qq.com", "web.de", "yahoo.com", "yandex.ru"),
    *("ymail.com", "zoho.com", "163.com", "126.com", "comcast.net", "att.net", "verizon.net"),
}


class Vouched(StrEnum):
    """What a token says of its address: that it is the person's, that it is not, or nothing."""

    YES = "yes"
    NO = "no"
    SILENT = "silent"


def is_entra(issuer: str) -> bool:
    return urlsplit(issuer).netloc.lower() in ENTRA_HOSTS


def problem_of(issuer: str) -> str:
    """What is wrong with an issuer, as a sentence: that it is no address, or what Microsoft's must be like;
    empty where nothing is."""
    try:
        urlsplit(issuer)
    except ValueError:
        return "Write the whole address, such as https://login.college.example."
    if "{" in issuer:
        return "This is a pattern for every organization. Put your own directory (tenant) ID in it."
    if not is_entra(issuer):
        return ""
    if _directory_of(issuer) is None:
        return (
            "This issuer is for the people of every organization. Give your own:"
            f" https://{urlsplit(issuer).netloc}/ then your directory (tenant) ID, then /v2.0"
        )
    return ""


def belongs_to_one(issuer: str) -> bool:
    """Whether an issuer can be one organisation's own, so that its admin may say which addresses are its."""
    return not problem_of(issuer) and (urlsplit(issuer).hostname or "") not in _EVERYBODYS


def anybodys(domains: list[str]) -> list[str]:
    """Those of some mail domains where anybody can have an address."""
    return [each for each in domains if each in _ANYBODYS_MAIL]


def subjects_of(issuer: str, claims: Mapping[str, Any]) -> tuple[str, str]:
    """The issuer's own unchanging name for a person, and another one that it may have been known by before.

    `sub` everywhere but at Entra, where it is another for each registration of an application: there `oid` is
    the person's in the directory, which the issuer names. Errors: ValueError where that is missing or of
    another directory."""
    sub = str(claims["sub"])
    if not is_entra(issuer):
        return sub, sub
    if str(claims.get("tid", "")).lower() != str(_directory_of(issuer)):
        raise ValueError("The token is of another directory.")
    try:
        return f"oid:{uuid.UUID(str(claims.get('oid')))}", sub
    except ValueError as error:
        raise ValueError("The token has no object ID (oid).") from error


def vouched(issuer: str, claims: Mapping[str, Any]) -> Vouched:
    """What a token says of the address in it. Entra never has `email_verified`; its optional `xms_edov` says
    whether the owner of the address's domain was verified. A no is a no, whatever else is said."""
    said = [claims["email_verified"]] if "email_verified" in claims else []
    if is_entra(issuer) and "xms_edov" in claims:
        said.append(claims["xms_edov"])
    if not said:
        return Vouched.SILENT
    return Vouched.YES if all(_is_true(each) for each in said) else Vouched.NO


def is_guest(issuer: str, claims: Mapping[str, Any]) -> bool:
    """Whether Entra says that the person is a guest: signed in by somebody else's directory (`idp`), or no
    member of this one (`acct`). Their addresses are not this organisation's to give."""
    if not is_entra(issuer):
        return False
    home = str(claims.get("idp") or issuer).lower()
    # A member's may be the issuer of version 1, https://sts.windows.net/ and the same directory.
    ours = {issuer.lower(), f"https://sts.windows.net/{_directory_of(issuer)}/"}
    return str(claims.get("acct", 0)) == "1" or home not in ours


def _is_true(value: object) -> bool:
    """Entra has been seen to write a true as true, 1 and "1"."""
    return value is True or (isinstance(value, int) and value == 1) or str(value).lower() in ("true", "1")


def _directory_of(issuer: str) -> uuid.UUID | None:
    """The directory in an issuer of Entra's, version 2; None where it is not one organisation's."""
    path = urlsplit(issuer).path
    directory, _, rest = path.removeprefix("/").partition("/")
    try:
        found = uuid.UUID(directory)
    except ValueError:
        return None
    plain = str(found) == directory.lower() and rest == "v2.0"
    return found if plain and found != _PERSONAL else None
