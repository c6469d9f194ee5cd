"""Everybody is texted exactly once, by the carrier's own count, whatever is killed when."""

from __future__ import annotations

from tests.campaigns.carrier import counting_carrier
from tests.campaigns.sending import counts, send_with_kills
from tests.world import World


def test_a_worker_that_is_killed_again_and_again_texts_everybody_exactly_once(world: World) -> None:
    with counting_carrier(delay=0.01) as carrier:
        campaign_id = send_with_kills(world, carrier, people=300, kills=6, seconds=60)
        assert counts(world, campaign_id) == {"delivered": 300}
        assert len(carrier.texts) == 300
        assert {number: len(texts) for number, texts in carrier.texts.items() if len(texts) != 1} == {}
        assert carrier.asked > 0
