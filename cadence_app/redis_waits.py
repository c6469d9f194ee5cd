"""How long Cadence waits for Redis: a request hardly at all, a worker as long as its blocking pop takes.

redis-py by itself asks eleven times, five seconds each: a Redis that hangs would keep a page for a minute.
What a page wants queued stands in PostgreSQL already, and a sweep queues it later.
"""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.retry import Retry

from cadence_app.outbound.own_servers import redis_options

_SECONDS = 2

# For redis.from_url() of whatever answers a request.
PROMPT: dict[str, Any] = {
    "socket_connect_timeout": _SECONDS,
    "socket_timeout": _SECONDS,
    "retry": Retry(NoBackoff(), 0),
}


class PromptRedis(Redis):
    """A client that gives up within seconds, and connects through the gate."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Redis:
        return super().from_url(url, **(PROMPT | redis_options(url) | options))


def be_patient(connection: Redis) -> None:
    """Makes a client that of a worker, which outlasts a restart of Redis. (RQ itself gives it the time that a
    blocking pop takes.) One that hangs is not asked again: the worker ends, and a fresh one is started."""
    connection.set_retry(Retry(ExponentialWithJitterBackoff(cap=1, base=0.01), 10, (RedisGone,)))
