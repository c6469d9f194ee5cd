"""What the workers of these tests do."""

from __future__ import annotations

import os
import signal
import time

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


def hang(number: int) -> None:
    """No alarm ends it, as within a library's C code."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def die(number: int) -> None:
    os._exit(9)
