"""Why a file could not be delivered, in words for an admin."""

from __future__ import annotations


class DeliveryProblem(Exception):
    """What failed, as a sentence without a full stop. `lasting`: it does not pass by itself; somebody has to
    do something about it."""

    def __init__(self, text: str, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting
