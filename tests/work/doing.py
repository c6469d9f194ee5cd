"""What the workers of these tests do."""

from __future__ import annotations

import signal

done: list[int] = []


def nothing(number: int) -> None:
    done.append(number)


def fail(number: int) -> None:
    raise ValueError(number)


def go_on_past_its_time(number: int) -> None:
    """The alarm goes off within what catches everything, as a library may."""
    while True:
        try:
            signal.raise_signal(signal.SIGALRM)
        except Exception:
            done.append(number)
