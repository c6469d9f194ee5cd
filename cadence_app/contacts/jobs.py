"""Reading stored numbers again after an upgrade, where it was not script/server that started it."""

from __future__ import annotations

from cadence_app.contacts import mending
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import sweep


@job("imports", seconds=12 * 3600)
def read_numbers_again() -> None:
    """Running it again, or twice at once, does no harm."""
    mending.read_all_again()


@sweep(None)
def sweep_numbers() -> None:
    """Has stored numbers read again while any tenant is due."""
    if mending.due() is not None:
        read_numbers_again.put("numbers-read-again")
