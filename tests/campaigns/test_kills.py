"""Everybody is texted exactly once, by the carrier's own count, whatever is killed when."""

from __future__ import annotations

import pytest

from tests import sizes
from tests.campaigns.carrier import counting_carrier
from tests.campaigns.sending import counts, send_with_kills, texted_after_opting_out
from tests.world import World


@pytest.mark.sized
def test_a_worker_that_is_killed_again_and_again_texts_everybody_exactly_once(world: World) -> None:
    """`script/bench campaigns` does the same to 2,000 people, with 50 kills."""
    people, kills, seconds = sizes.size((80, 4, 300), (500, 20, 900))
    with counting_carrier(delay=0.01) as carrier:
        killed = send_with_kills(world, carrier, people=people, kills=kills, seconds=seconds)
        assert {number: len(texts) for number, texts in carrier.texts.items() if len(texts) != 1} == {}
        assert texted_after_opting_out(world) == []
        stopped = {number for number in killed.stopped_at if number not in carrier.texts}
        assert stopped
        assert len(carrier.texts) == people - len(stopped)
        assert counts(world, killed.campaign_id) == {
            "delivered": people - len(stopped),
            "suppressed": len(stopped),
        }
        assert carrier.asked > 0
