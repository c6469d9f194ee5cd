from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webhooks.receiving import Receiver, receiver


@pytest.fixture
def here() -> Iterator[Receiver]:
    """A receiver that takes everything, until it is told otherwise."""
    with receiver() as made:
        yield made
