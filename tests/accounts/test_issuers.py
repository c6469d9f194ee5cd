"""Which issuers belong to one organisation, and what their tokens say of an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.accounts import issuers
from cadence_app.accounts.issuers import Vouched

_DIRECTORY = "3b1d7c52-6c1e-4b5f-9a0e-2f4f8f0f6a11"
_ENTRA = f"https://login.microsoftonline.com/{_DIRECTORY}/v2.0"


@pytest.mark.parametrize(
    ("issuer", "one"),
    [
        (_ENTRA, True),
        (_ENTRA.upper().replace("HTTPS", "https").replace("V2.0", "v2.0"), True),
        ("https://login.microsoftonline.us/3b1d7c52-6c1e-4b5f-9a0e-2f4f8f0f6a11/v2.0", True),
        ("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", False),
        (f"https://login.microsoftonline.com/{_DIRECTORY}", False),
        (f"https://login.microsoftonline.com/{_DIRECTORY}/v2.0/", False),
        (f"https://login.microsoftonline.com//{_DIRECTORY}/v2.0", False),
        (f"https://login.microsoftonline.com/{{{_DIRECTORY}}}/v2.0", False),
        ("https://login.microsoftonline.com", False),
        ("//[", False),
        ("https://accounts.google.com", False),
        ("https://sts.windows.net/3b1d7c52-6c1e-4b5f-9a0e-2f4f8f0f6a11/", False),
        ("https://sign-in.college.example/realms/staff", True),
    ],
)
def test_which_issuers_belong_to_one_organisation(issuer: str, one: bool) -> None:
    assert issuers.belongs_to_one(issuer) == one


_SAID = st.one_of(
    st.booleans(), st.none(), st.integers(-1, 2), st.sampled_from(["true", "false", "1", "0", ""])
)


@given(verified=_SAID, edov=_SAID, has=st.tuples(st.booleans(), st.booleans()))
def test_an_address_is_vouched_for_only_where_all_that_is_said_of_it_is_yes(
    verified: object, edov: object, has: tuple[bool, bool]
) -> None:
    claims = {"email_verified": verified} if has[0] else {}
    claims |= {"xms_edov": edov} if has[1] else {}
    yes = [value in (True, "true", "1") for value in claims.values()]
    expected = Vouched.SILENT if not yes else Vouched.YES if all(yes) else Vouched.NO
    assert issuers.vouched(_ENTRA, claims) == expected
