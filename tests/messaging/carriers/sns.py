"""What AWS proves and wants proven, worked out as it documents them: messages of Amazon SNS, and Signature
Version 4 of requests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

REGION, TOPIC = "us-east-1", "arn:aws:sns:us-east-1:123456789012:cadence"
HOST = f"https://sns.{REGION}.amazonaws.com"
CERTIFICATE_PATH = "/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem"
OLD_CERTIFICATE_PATH = "/SimpleNotificationService-00000000000000000000000000000000.pem"
ACCESS_KEY_ID = "AKIDEXAMPLEEXAMPLE00"
_KEY = rsa.generate_private_key(65537, 2048)


def _certificate(until: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(_KEY.public_key())
    dated = built.not_valid_before(until - timedelta(days=300)).not_valid_after(until).serial_number(7)
    return dated.sign(_KEY, SHA256()).public_bytes(Encoding.PEM)


CERTIFICATES = {
    CERTIFICATE_PATH: _certificate(datetime.now(UTC) + timedelta(days=60)),
    OLD_CERTIFICATE_PATH: _certificate(datetime.now(UTC) - timedelta(days=1)),
}


def notification(content: Any, **more: Any) -> bytes:
    """A message of the topic as SNS posts it, with this content; a string goes as it is."""
    said = content if isinstance(content, str) else json.dumps(content)
    return signed({"Type": "Notification", "Message": said, **more})


def confirmation(**more: Any) -> bytes:
    """A request of SNS to confirm that the topic may post here."""
    fields = {
        "Type": "SubscriptionConfirmation",
        "Message": f"You have chosen to subscribe to the topic {TOPIC}.",
        "Token": "2336412f37",
        "SubscribeURL": f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37",
    }
    return signed(fields | more)


def signed(fields: Mapping[str, Any]) -> bytes:
    message = {
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": "2",
        "SigningCertURL": HOST + CERTIFICATE_PATH,
        **fields,
    }
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    said = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    made_by = SHA1() if message["SignatureVersion"] == "1" else SHA256()
    signature = _KEY.sign(said.encode(), padding.PKCS1v15(), made_by)
    return json.dumps(message | {"Signature": base64.b64encode(signature).decode()}).encode()


def well_signed(method: str, path: str, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether a request for sms-voice has the Signature Version 4 of this secret."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^,/]+)/(\d{8}/[^,]+/sms-voice/aws4_request),\s*"
        r"SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})",
        headers.get("Authorization", ""),
    )
    if found is None or found[1] != ACCESS_KEY_ID or "host" not in found[3].split(";"):
        return False
    digest = hashlib.sha256(body).hexdigest()
    day, region = str(found[2]).split("/")[:2]
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in found[3].split(";"))
    request = "\n".join([method, path, "", lines, found[3], digest])
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", headers["x-amz-date"], found[2], hashlib.sha256(request.encode()).hexdigest()]
    )
    key = f"AWS4{secret}".encode()
    for part in (day, region, "sms-voice", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return region == REGION and hmac.new(key, to_sign.encode(), "sha256").hexdigest() == found[4]
