"""The one way to put work on a queue: by its function, once, and whether or not Redis is there.

What is to be done stands in PostgreSQL; a job only hastens it, and a sweep (sweeps.py) queues what Redis
lost. A job has a key, and at most one job of a key waits. One that runs doesn't count: it may have looked
before the new work came, so the next one waits behind it. Whoever must not run twice at once takes a lease
(leases.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, ParamSpec

from flask import current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.cron import CronJob
from rq.job import Job as RQJob
from rq.job import JobStatus

from cadence_app.extensions import rq

P = ParamSpec("P")

# Well over what a job of a moment takes: a text, a file of a text, a look at what is due.
A_MOMENT = 180
# What failed is in the log; RQ's own note of it holds no more than ids.
_KEPT_AFTER_FAILING = 7 * 86400

# RQ knows `unique=True`, but it refuses an id for as long as anything is left of it: a job that runs, one
# whose worker died, and one that failed, which RQ keeps. And a job must not have the id of one that runs: the
# end of that one deletes it. So each job has an id of its own, the key and a number that counts up for its
# queue, and `waits` says which id the key had last. A queue is first in, first out: that job waits still
# unless a later one is at the head, or nothing is. Only where it seems to wait for long is the queue itself
# searched, for somebody may have taken it out by hand.
_PUT_ONCE = """
local queue, waits, count, queues = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local key, prefix, search_after, kept = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local function number_of(id) return tonumber(string.match(id, '_(%d+)$')) end
local now = tonumber(redis.call('TIME')[1])
local last = redis.call('HMGET', waits, 'id', 'at')
if last[1] and redis.call('HGET', prefix .. last[1], 'status') == 'queued' then
    local head = redis.call('LINDEX', queue, 0)
    local first = head and number_of(head)
    if head and (not first or first <= number_of(last[1])) then
        redis.call('EXPIRE', waits, kept)
        if now - tonumber(last[2]) < search_after then return 0 end
        if redis.call('LPOS', queue, last[1]) then
            redis.call('HSET', waits, 'at', now)
            return 0
        end
    end
end
local id = key .. '_' .. redis.call('INCR', count)
redis.call('HSET', prefix .. id, unpack(ARGV, 5))
redis.call('RPUSH', queue, id)
redis.call('HSET', waits, 'id', id, 'at', now)
redis.call('EXPIRE', waits, kept)
redis.call('SADD', queues, queue)
return 1
"""
_SEARCH_AFTER = 600
# For so long after the last time somebody asked it is known which job of a key waits.
_KEPT = 3600


class Job(Generic[P]):
    """A function that a worker runs: on which of config.py's queues, and for how many seconds at most.

    job() makes one of a function. Where the function imports who queues it, as a mail's does the outbox, who
    queues it says Job() and the module of the function says `@it.does`.
    """

    def __init__(self, queue: str, seconds: int = A_MOMENT) -> None:
        self.queue, self.seconds = queue, seconds
        self._work: Callable[P, object] | None = None

    def does(self, work: Callable[P, object]) -> Job[P]:
        """Says what is done; the name must stay in its module, for jobs of it may wait. Once."""
        if self._work is not None:
            raise RuntimeError(f"{self.name} is done already")
        self._work = work
        self.__doc__, self.__module__ = work.__doc__, work.__module__
        return self

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> object:
        return self._function(*args, **kwargs)

    @property
    def name(self) -> str:
        """As a worker finds it."""
        return f"{self._function.__module__}.{self._function.__qualname__}"

    def put(self, key: str, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Queues it unless a job of this key waits; `key` is made of letters, digits and dashes. Whether it
        is queued now: False, and a line in the log, where Redis is out of reach, which is no error."""
        try:
            put_once(rq.get_queue(self.queue), key, self._function, args, kwargs, self.seconds)
        except RedisError as error:
            current_app.logger.warning("Redis is out of reach, %s waits for the sweep: %s", key, error)
            return False
        return True

    @property
    def _function(self) -> Callable[P, object]:
        if self._work is None:
            raise RuntimeError(f"nothing says yet what a job on {self.queue} does")
        return self._work


def job(queue: str, seconds: int = A_MOMENT) -> Callable[[Callable[P, object]], Job[P]]:
    """Makes a job of a function."""

    def made(work: Callable[P, object]) -> Job[P]:
        return Job[P](queue, seconds).does(work)

    return made


class OnTheClock(CronJob):
    """A job that the scheduler puts on its queue every so many seconds; not again while it waits, as when no
    worker runs."""

    def __init__(self, job: Job[...], key: str, every: int, *args: Any) -> None:
        super().__init__(job.queue, func_name=job.name, args=args, interval=every, name=key)
        self._job = job

    def enqueue(self, connection: Redis) -> None:  # type: ignore[override]
        self._job.put(self.name, *self.args)


def waiting(queue: str) -> list[str]:
    """The keys of the jobs that wait on a queue, the next one first. It reads the whole queue: for
    looking."""
    return [job_id.rpartition("_")[0] or job_id for job_id in rq.get_queue(queue).get_job_ids()]


def put_once(
    queue: Queue,
    key: str,
    work: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    seconds: int,
) -> None:
    """Job.put() of any function, on any queue. Asks Redis once. Errors: RedisError."""
    wanted = queue.create_job(
        work,
        args=args,
        kwargs=kwargs,
        timeout=seconds,
        result_ttl=0,
        failure_ttl=_KEPT_AFTER_FAILING,
        status=JobStatus.QUEUED,
    )
    wanted.origin, wanted.enqueued_at = queue.name, datetime.now(UTC)
    fields: list[Any] = []
    for name, value in wanted.to_dict().items():
        fields += [name, value if isinstance(value, (bytes, str)) else str(value)]
    keys = [queue.key, f"cadence:waits:{queue.name}:{key}", f"cadence:count:{queue.name}"]
    script = queue.connection.register_script(_PUT_ONCE)
    prefix = RQJob.redis_job_namespace_prefix
    script(keys=[*keys, Queue.redis_queues_keys], args=[key, prefix, _SEARCH_AFTER, _KEPT, *fields])
