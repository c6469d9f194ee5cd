"""Why a file could not be delivered, in words for an admin."""

from __future__ import annotations

from cadence_app.outbound.gate import Failure, NotConnected, Refusal, Refused


class DeliveryProblem(Exception):
    """What failed, as a sentence without a full stop. `lasting`: it does not pass by itself; somebody has to
    do something about it."""

    def __init__(self, text: str, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting


def not_connected(error: NotConnected, host: str, port: int) -> DeliveryProblem:
    """Why there is no connection to a server."""
    if isinstance(error, Refused):
        if error.refusal == Refusal.ADDRESS:
            text = (
                f"{host} has an address that files may not be delivered to unless whoever runs Cadence names"
                " its network"
            )
        elif error.refusal == Refusal.SCHEME:
            text = "The endpoint must begin with https://"
        else:
            text = f"{host} is not an address that files are delivered to"
        return DeliveryProblem(text, lasting=True)
    return DeliveryProblem(said_of(error.failure, host, port))


def said_of(failure: Failure, host: str, port: int) -> str:
    """The same where the policy would have let it be, and for what went wrong after."""
    match failure:
        case Failure.NOT_FOUND:
            return f"The name {host} was not found"
        case Failure.CLOSED:
            return f"{host} refused the connection on port {port}"
        case Failure.CONNECT_TIME | Failure.TIME:
            return f"{host} did not answer on port {port}"
        case Failure.CERTIFICATE:
            return f"The certificate of {host} is not one to trust"
        case Failure.SIZE:
            return f"{host} answered more than it should"
        case _:
            return f"{host} can't be reached on port {port}"
