"""AWS End User Messaging: its API (api.py), and what Amazon SNS posts for it (sns.py)."""

from __future__ import annotations

import re
from collections.abc import Callable

from cadence_app.messaging.providers.aws import sns
from cadence_app.messaging.providers.aws.api import Aws
from cadence_app.messaging.providers.aws.places import CODE, HOME, REGION
from cadence_app.messaging.providers.base import BlockReach, Driver, Field, KeywordAnswers, Webhook


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value, re.ASCII) is not None


DRIVER = Driver(
    code=CODE,
    name="AWS End User Messaging",
    short_name="AWS",
    client=Aws,
    home=HOME,
    fields=(
        Field("region", "Region", "Where the numbers are, such as us-east-1", right=_like(REGION)),
        Field(
            "access_key_id",
            "Access key ID",
            "Of an IAM user who may SendTextMessage, DescribeOptedOutNumbers and DescribePhoneNumbers",
            right=_like("[A-Z0-9]{16,128}"),
        ),
        Field("secret_access_key", "Secret access key", "Beside the access key ID, shown once", secret=True),
        Field(
            "opt_out_list",
            "Opt-out list name",
            "The list that the numbers use; it is called Default unless you made one",
            right=_like(r"[\w:/-]{1,256}"),
        ),
        Field(
            "configuration_set",
            "Configuration set name",
            "The one whose event destination is the topic, for all events of texts",
            right=_like(r"[\w:/-]{1,256}"),
        ),
        Field(
            "topic_arn",
            "Topic ARN",
            "The SNS topic for the events and for two-way messages of every number",
            right=_like(rf"arn:aws[a-z-]{{0,20}}:sns:{REGION}:\d{{12}}:[\w-]{{1,256}}"),
        ),
    ),
    answers=(KeywordAnswers.BUILT_IN, KeywordAnswers.OURS),
    where="In Amazon SNS, subscribe it to the topic with the protocol HTTPS and without raw message "
    "delivery; Cadence confirms it by itself. Then turn on two-way messages to that topic at each number, "
    "and self-managed opt outs: what AWS answers by itself, such as a STOP, it may not pass on.",
    missed="Amazon SNS tries a few times within a minute. Give the subscription a delivery policy with "
    "retries over an hour, the most that SNS allows, and a dead-letter queue, which keeps what could not be "
    "brought for up to 14 days. AWS lists no texts, so Cadence cannot ask for them.",
    webhook=Webhook(sns.signed, sns.events),
    keywords=sns.KEYWORDS,
    # If AWS blocks on, it refuses the very next text, and its list says so within the hour; but that a block
    # of its was lifted nothing would ever say.
    may_lift=sns.OPT_IN_WORDS,
    # It takes files only from a bucket of the sender's own (SendMediaMessage).
    sends_files=False,
    block_reach=BlockReach.ACCOUNT,
    block_scope="opt-out list",
    blocked_numbers=lambda account: Aws(account).blocked_numbers(),
    self_managed_numbers=lambda account: Aws(account).self_managed_numbers(),
)
