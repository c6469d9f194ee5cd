"""AWS End User Messaging: what Amazon SNS posts is proven and read, and what AWS leaves to us is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate
from sqlalchemy import func, select

from cadence_app.extensions import db, rq
from cadence_app.messaging.carriers.jobs import reconcile_account, reconcile_blocks
from cadence_app.messaging.carriers.models import CarrierAccount, CarrierEvent, UnreadPost
from cadence_app.messaging.models import Conversation, Message, MessageKind, MessageState
from cadence_app.messaging.providers.aws import sns as proving
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.ui.formatting import phone
from tests.messaging.carriers import sns
from tests.messaging.carriers.api import SECRET, Api, carrier_api, reach_carriers_at
from tests.messaging.carriers.ends.aws import AwsEnd
from tests.messaging.carriers.posting import Line
from tests.queues import waits
from tests.world import World, new_number


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    with carrier_api(world.app) as api:
        yield api


@pytest.fixture
def line(world: World, api: Api) -> Line:
    return Line(world, "aws", KeywordAnswers.BUILT_IN).open()


def text(line: Line, body: str, **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = line.event(new_number(), body, "m-1", **more)
    return said


def post(line: Line, message: bytes) -> int:
    assert isinstance(line.end, AwsEnd)
    return line.post(line.end.of_topic(message)).status_code


def traces(line: Line) -> int:
    with line.world.session():
        return db.session.scalars(select(func.count()).select_from(CarrierEvent)).one()


def replies(line: Line, number: str) -> list[tuple[str, str]]:
    with line.world.session():
        contact_id = line.world.contact_id(number)
        found = db.session.scalars(
            select(Message)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(Conversation.contact_id == contact_id, Message.kind != MessageKind.PERSON)
            .order_by(Message.id)
        )
        return [(each.kind, each.state) for each in found]


PUBLISHED = json.loads((Path(__file__).parent / "sns_published.json").read_text())


@pytest.mark.parametrize("message", PUBLISHED["messages"])
def test_a_published_message_of_sns_verifies_and_one_flipped_byte_does_not(message: dict[str, str]) -> None:
    certificate = load_pem_x509_certificate("\n".join(PUBLISHED["certificate"]).encode())
    assert proving.signed_by(message, certificate)
    assert not proving.signed_by(message | {"Message": "Hello worle"}, certificate)
    flipped = message["Signature"].replace("J", "K", 1)
    assert not proving.signed_by(message | {"Signature": flipped}, certificate)
    other_version = {"1": "2", "2": "1"}[message["SignatureVersion"]]
    assert not proving.signed_by(message | {"SignatureVersion": other_version}, certificate)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_text_is_taken_in_by_either_version_of_the_signature(line: Line, version: str) -> None:
    said = text(line, "Hello") | {"inboundMessageId": version}
    assert post(line, sns.notification(said, SignatureVersion=version, Subject="A subject")) == 200
    assert line.world.status(line.world.contact_id(said["originationNumber"])) == "opted_in"


def test_what_sns_did_not_sign_for_this_topic_is_refused_and_leaves_no_trace(line: Line, api: Api) -> None:
    said = text(line, "STOP")
    good = sns.notification(said)
    changed = json.loads(good)
    signature = changed["Signature"]
    elsewhere = f"https://sns.us-west-2.amazonaws.com{sns.CERTIFICATE_PATH}"
    for bad in (
        b"",
        b"[]",
        b"null",
        json.dumps(said).encode(),
        good.replace(b"STOP", b"STOQ"),
        json.dumps(changed | {"Signature": ("A" if signature[0] != "A" else "B") + signature[1:]}).encode(),
        json.dumps(changed | {"Signature": "no base64!"}).encode(),
        json.dumps(changed | {"SignatureVersion": "3"}).encode(),
        json.dumps(changed | {"Type": "Other"}).encode(),
        sns.notification(said, TopicArn=f"{sns.TOPIC}-of-somebody-else"),
        sns.notification(said, SigningCertURL=elsewhere),
        sns.notification(said, SigningCertURL=sns.HOST.replace("https", "http") + sns.CERTIFICATE_PATH),
        sns.notification(
            said, SigningCertURL=f"https://sns.us-east-1.amazonaws.com.evil.example{sns.CERTIFICATE_PATH}"
        ),
        sns.notification(said, SigningCertURL=f"{sns.HOST}@evil.example{sns.CERTIFICATE_PATH}"),
        sns.notification(said, SigningCertURL=f"{sns.HOST}/?Action=Publish&x={sns.CERTIFICATE_PATH}"),
        sns.notification(said, SigningCertURL=sns.HOST + sns.OLD_CERTIFICATE_PATH),
        sns.notification(said, SigningCertURL=sns.HOST + sns.CERTIFICATE_PATH.replace("7", "8")),
        sns.notification(said, SigningCertURL=None),
    ):
        assert post(line, bad) == 403
    assert traces(line) == 0
    assert set(api.certificates_asked) <= {
        sns.CERTIFICATE_PATH,
        sns.OLD_CERTIFICATE_PATH,
        sns.CERTIFICATE_PATH.replace("7", "8"),
    }
    assert post(line, good) == 200


def test_the_certificate_is_fetched_once(line: Line, api: Api) -> None:
    for number in range(3):
        assert post(line, sns.notification(text(line, "Hello") | {"inboundMessageId": str(number)})) == 200
    assert api.certificates_asked == [sns.CERTIFICATE_PATH]


def test_a_message_whose_certificate_is_out_of_reach_is_to_come_again(line: Line) -> None:
    """SNS gives up on a message that is answered with 4xx."""
    message = sns.notification(text(line, "STOP"))
    with reach_carriers_at(line.world.app, "http://127.0.0.1:9"):
        assert post(line, message) == 503
    assert post(line, message) == 200


def test_a_subscription_of_the_topic_is_confirmed_at_sns_by_its_token(line: Line, api: Api) -> None:
    evil = "http://169.254.169.254/latest/meta-data"
    assert post(line, sns.confirmation(TopicArn=f"{sns.TOPIC}-of-somebody-else")) == 403
    assert api.confirmed == []
    for address in (f"{sns.HOST}/?Action=ConfirmSubscription", evil):
        assert post(line, sns.confirmation(SubscribeURL=address)) == 200
    asked = {"Action": "ConfirmSubscription", "TopicArn": sns.TOPIC, "Token": "2336412f37"}
    assert api.confirmed == [asked, asked]
    api.plan = [500]
    assert post(line, sns.confirmation()) == 503
    assert post(line, sns.confirmation(Type="UnsubscribeConfirmation")) == 200
    assert len(api.confirmed) == 3
    assert traces(line) == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "Hello",
        "3",
        {"inboundMessageId": "m-1"},
        {"inboundMessageId": None, "originationNumber": "+12125550123", "destinationNumber": "+12125550124"},
        {"eventType": "TEXT_DELIVERED", "eventTimestamp": 1686975103470},
        {"eventType": ["TEXT"], "eventTimestamp": 1686975103470, "messageId": "m-1"},
    ],
)
def test_a_message_that_can_not_be_read_is_answered_and_waits_for_an_admin(line: Line, content: Any) -> None:
    for _ in range(2):
        assert post(line, sns.notification(content)) == 200
    assert traces(line) == 0
    with line.world.session():
        assert db.session.scalars(select(UnreadPost.due_on)).all() == [None]


@pytest.mark.parametrize("at", [10**30, "yesterday", None])
def test_a_receipt_counts_whatever_its_clock_says(line: Line, at: Any) -> None:
    event = {"eventType": "TEXT_DELIVERED", "eventTimestamp": at, "messageId": "m-1", "context": "none"}
    assert post(line, sns.notification(event)) == 200
    assert traces(line) == 1


@pytest.mark.parametrize("kind", ["VOICE_ANSWERED", "MEDIA_DELIVERED", "TEXT_SOMETHING_NEW"])
def test_events_about_something_else_are_answered(line: Line, kind: str) -> None:
    event = {"eventType": kind, "eventTimestamp": 1686975103470, "messageId": "m-1"}
    assert post(line, sns.notification(event)) == 200
    assert traces(line) == 0
    with line.world.session():
        assert db.session.scalars(select(UnreadPost)).all() == []


@pytest.mark.parametrize("word", ["ARRET", "remove", "TD", "Opt-Out", "STOP"])
def test_a_word_that_aws_answers_opts_out_and_is_not_answered_again(line: Line, word: str) -> None:
    number = new_number()
    line.text(number, "Hello")
    line.text(number, word)
    (_, change) = line.world.history(line.world.contact_id(number))
    assert (change.status, change.source, change.words) == ("opted_out", "keyword", word)
    assert replies(line, number) == [(MessageKind.OPT_OUT_REPLY, MessageState.SUPPRESSED)]


def test_a_keyword_that_aws_found_at_the_beginning_of_a_text_counts(line: Line) -> None:
    number = new_number()
    line.text(number, "Hello")
    line.text(number, "Stop it now", messageKeyword="STOP")
    assert line.world.status(line.world.contact_id(number)) == "opted_out"
    other = new_number()
    line.text(other, "Hello")
    line.text(other, "Remove the chairs", messageKeyword="KEYWORD_123456789012")
    assert line.world.status(line.world.contact_id(other)) == "opted_in"


def test_a_word_of_ours_that_aws_does_not_know_is_answered_by_us(line: Line) -> None:
    number = new_number()
    line.text(number, "Hello")
    line.text(number, "REVOKE")
    assert line.world.status(line.world.contact_id(number)) == "opted_out"
    assert replies(line, number) == [(MessageKind.OPT_OUT_REPLY, MessageState.QUEUED)]


def test_where_opt_outs_are_self_managed_cadence_answers_and_the_page_says_so(line: Line, api: Api) -> None:
    number, world = new_number(), line.world
    path = f"/settings/carriers/{line.account_id}"
    line.text(number, "Hello")
    assert "Self-managed opt outs" not in world.sign_in("admin").get(path).text
    api.self_managed = [other := new_number(), world.shared]
    with world.app.app_context():
        reconcile_blocks()
        assert waits("media", f"blocks-{line.account_id}") == 1
        reconcile_account(world.tenant_id, line.account_id)
    page = world.sign_in("admin").get(path).text
    assert "Self-managed opt outs" in page
    assert phone(other) not in page
    line.text(number, "STOP")
    assert replies(line, number) == [(MessageKind.OPT_OUT_REPLY, MessageState.QUEUED)]
    api.self_managed = []
    with world.app.app_context():
        reconcile_account(world.tenant_id, line.account_id)
    assert "Self-managed opt outs" not in world.sign_in("admin").get(path).text


FORM = {
    "name": "Main",
    "answers": "built_in",
    "value_region": "us-east-1",
    "value_access_key_id": sns.ACCESS_KEY_ID,
    "value_secret_access_key": SECRET,
    "value_opt_out_list": "Default",
    "value_configuration_set": "cadence",
    "value_topic_arn": sns.TOPIC,
}


def test_an_admin_adds_an_account_and_what_is_wrong_is_said_at_its_field(world: World, api: Api) -> None:
    admin = world.sign_in("admin")
    for change, message in (
        ({"value_region": "evil.example/"}, "This is no Region"),
        ({"value_region": "us-east-1.evil"}, "This is no Region"),
        ({"value_access_key_id": "key"}, "This is no Access key ID"),
        ({"value_topic_arn": "arn:aws:sqs:us-east-1:123456789012:cadence"}, "This is no Topic ARN"),
        ({"value_topic_arn": "arn:aws:sns:a@b:123456789012:cadence"}, "This is no Topic ARN"),
        ({"value_secret_access_key": ""}, "Enter the Secret access key."),
    ):
        answer = admin.post("/settings/carriers/new/aws", FORM | change)
        assert (answer.status_code, message in answer.text) == (422, True)
    answer = admin.post("/settings/carriers/new/aws", FORM)
    assert answer.status_code == 302
    page = admin.get(answer.location).text
    assert "/webhooks/aws/" in page
    assert SECRET not in page
    with world.session():
        account = db.session.scalars(select(CarrierAccount)).one()
        # What AWS leaves to us is asked at once.
        asked = [job.args for job in rq.get_queue("media").jobs if "reconcile_account" in str(job.func_name)]
        assert (world.tenant_id, account.id) in asked
        assert account.secret("secret_access_key") == SECRET
        assert SECRET not in str(account.settings) + account.secrets
