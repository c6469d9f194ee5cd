"""How Twilio signs, against what it publishes: its example, and its own library."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from cadence_app.messaging.providers.twilio import signed_by
from tests.messaging.carriers.ends.base import Post
from tests.messaging.carriers.posting import Line
from tests.world import World, new_number

TOKEN = "12345"
_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_fields = st.lists(st.tuples(st.sampled_from(["Body", "From", "body", "é", ""]) | _words, _words), max_size=6)
_hosts = st.sampled_from(["cadence.example", "127.0.0.1", "xn--bcher-kva.example"])
_ports = st.sampled_from(["", ":80", ":443", ":8443", ":5000"])
_queries = st.lists(st.tuples(st.sampled_from(["text", "rc", "bodySHA256"]), _words), max_size=3)


def _address(scheme: str, host: str, port: str, query: str = "") -> str:
    return f"{scheme}://{host}{port}/webhooks/twilio/a-key_1" + (f"?{query}" if query else "")


def test_twilios_published_example_verifies_and_one_flipped_byte_does_not() -> None:
    """From Twilio's documentation, "Validating signatures from Twilio"; the token there is 12345."""
    fields = {
        "CallSid": ["CA1234567890ABCDE"],
        "Caller": ["+14158675309"],
        "Digits": ["1234"],
        "From": ["+14158675309"],
        "To": ["+18005551212"],
    }
    address, signature = "https://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signed_by(TOKEN, address, fields, b"", signature)
    assert not signed_by(TOKEN, address, fields | {"Digits": ["1235"]}, b"", signature)
    assert not signed_by(TOKEN, address, fields, b"", signature.replace("R", "S", 1))
    assert not signed_by(TOKEN, address, fields, b"", "")


@given(
    fields=_fields,
    query=_queries,
    scheme=st.sampled_from(["http", "https"]),
    host=_hosts,
    ports=st.tuples(_ports, _ports),
    changed=st.booleans(),
    token=_words.filter(bool),
)
@example([("Body", "a"), ("Body", "b"), ("Body", "a")], [], "https", "a.example", ("", ":443"), False, "t")
@example([], [], "http", "127.0.0.1", (":5000", ":5000"), False, "t")
def test_a_form_is_as_good_as_twilios_library_finds_it(
    fields: list[tuple[str, str]],
    query: list[tuple[str, str]],
    scheme: str,
    host: str,
    ports: tuple[str, str],
    changed: bool,
    token: str,
) -> None:
    """With a port that was signed and another that we know, fields that come twice, and whatever words."""
    theirs, ours = (_address(scheme, host, port, urlencode(query)) for port in ports)
    form, library = MultiDict(fields), RequestValidator(token)
    signature = library.compute_signature(theirs, form)
    if changed:
        form.add("Body", "more")
    found = signed_by(token, ours, form.to_dict(flat=False), b"", signature)
    assert found == library.validate(ours, form, signature)
    if ports[0] == ports[1] and not changed:
        assert found


@given(body=_words, other=_words, query=_queries, told=st.booleans(), ports=st.tuples(_ports, _ports))
def test_a_body_that_is_no_form_is_as_good_as_twilios_library_finds_it(
    body: str, other: str, query: list[tuple[str, str]], told: bool, ports: tuple[str, str]
) -> None:
    """The digest of it is in the signed address; where it is not, nobody has signed the body."""
    if told:
        query = [*query, ("bodySHA256", hashlib.sha256(body.encode()).hexdigest())]
    theirs, ours = (_address("https", "cadence.example", port, urlencode(query)) for port in ports)
    library = RequestValidator(TOKEN)
    signature = library.compute_signature(theirs, {})
    for posted in (body, other):
        found = signed_by(TOKEN, ours, {}, posted.encode(), signature)
        if posted and "bodySHA256" in parse_qs(urlsplit(ours).query):
            assert found == library.validate(ours, posted, signature)
        elif posted:
            assert not found
        else:
            assert found == library.validate(ours, {}, signature)


@pytest.mark.parametrize("query", ["", "?text=a%20key&x=%C3%A9", "?x=\xff"])
def test_the_address_that_was_posted_to_is_the_one_that_counts(world: World, query: str) -> None:
    line = Line(world, "twilio").open()
    library = RequestValidator("a secret of the carrier")
    fields = {"MessageSid": "SM1", "From": new_number(), "To": world.shared, "Body": "Grüße \N{BIRD}"}
    asked = quote(query, safe="?=&%")
    signature = library.compute_signature(line.address + asked, fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    assert line.post(Post(urlencode(fields).encode(), headers, asked)).status_code == 200
    other = f"{asked}&more=1" if asked else "?more=1"
    assert line.post(Post(urlencode(fields).encode(), headers, other)).status_code == 403


def test_json_that_twilio_signed_waits_for_an_admin_and_other_json_is_refused(world: World) -> None:
    line, library = Line(world, "twilio").open(), RequestValidator("a secret of the carrier")
    body = b'{"Body": "STOP"}'
    query = f"?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {
        "Content-Type": "application/json",
        "X-Twilio-Signature": library.compute_signature(line.address + query, {}),
    }
    assert line.post(Post(body, headers, query)).status_code == 200
    assert line.post(Post(body.replace(b"STOP", b"STOQ"), headers, query)).status_code == 403
    bare = headers | {"X-Twilio-Signature": library.compute_signature(line.address, {})}
    assert line.post(Post(body, bare)).status_code == 403
