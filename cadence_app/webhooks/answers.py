"""What came of sending events, in words for who reads the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from cadence_app.outbound.gate import Failure
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.outbound.posting import Outgoing, Poster, Reply
from cadence_app.webhooks.destinations import PRIVATE

__all__ = ["Answer", "Outgoing", "Sender"]

_POLICY = POLICIES[Kind.WEBHOOK]


@dataclass(frozen=True)
class Answer:
    """What came of one try: `status` is None where there was no answer, `error` is empty for a success, and
    `response` is the first kilobyte of the answer's body."""

    at: datetime
    milliseconds: int
    status: int | None
    error: str
    response: str = ""

    @property
    def ok(self) -> bool:
        return not self.error

    @property
    def gone(self) -> bool:
        return self.status == 410


class Sender:
    """Keeps its connections while it is used as a context manager."""

    def __enter__(self) -> Sender:
        self._poster = Poster(Kind.WEBHOOK).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._poster.__exit__(kind, error, trace)

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Posts all at once; the answers are in the order of the batch. Never raises for one of them."""
        return [_answer(reply) for reply in self._poster.post(batch)]


def _answer(reply: Reply) -> Answer:
    response = reply.body.decode("utf-8", "replace").replace("\x00", "\ufffd")
    error = _failed(reply.failure, reply.detail) if reply.failure else _said(reply.status or 0)
    return Answer(reply.at, reply.milliseconds, reply.status, error, response)


def _said(status: int) -> str:
    """What is wrong with an answer; empty for 200 to 299."""
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"Answered {status}. Redirects are not followed: give the final address."
    if status == 410:
        return "Answered 410 Gone: it wants no more events."
    return f"Answered {status}. Only 200 to 299 counts as taken."


def _failed(failure: Failure, detail: str) -> str:
    match failure:
        case Failure.REFUSED:
            return PRIVATE
        case Failure.NOT_FOUND:
            return "This host name cannot be found."
        case Failure.CONNECT_TIME:
            return f"No connection within {_POLICY.connect_seconds:.0f} seconds."
        case Failure.TIME:
            return f"No whole answer within {_POLICY.silent_seconds:.0f} seconds."
        case Failure.PROTOCOL:
            return "It hung up, or its answer was no HTTP that can be read."
        case Failure.CERTIFICATE:
            return f"Its certificate is not trusted: {detail}"
        case _:
            return f"No connection: {detail}" if detail else "The connection broke off."
