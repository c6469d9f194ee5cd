"""Every carrier at its other end. What holds for all of them is tried with each of these; one that there is
not, the pigeons, is among them and shows what a new one needs."""

from __future__ import annotations

from cadence_app.messaging import providers
from tests.messaging.carriers.ends import pigeon
from tests.messaging.carriers.ends.aws import AwsEnd
from tests.messaging.carriers.ends.bandwidth import BandwidthEnd
from tests.messaging.carriers.ends.base import FarEnd
from tests.messaging.carriers.ends.pigeon import PigeonEnd
from tests.messaging.carriers.ends.telnyx import TelnyxEnd
from tests.messaging.carriers.ends.twilio import TwilioEnd

ENDS: dict[str, type[FarEnd]] = {
    each.code: each for each in (TwilioEnd, TelnyxEnd, BandwidthEnd, AwsEnd, PigeonEnd)
}
CODES = list(ENDS)
providers.register(pigeon.DRIVER)
