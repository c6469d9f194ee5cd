"""The Flask extensions, made once and bound to the application in create_app()."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_rq import RQ
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from rq import Queue
from rq.cron import CronJob, CronScheduler
from rq.worker import BaseWorker
from sqlalchemy import BigInteger, DateTime, MetaData, Text, event
from sqlalchemy.orm import DeclarativeBase

from cadence_app.enum_columns import resolve_enum
from cadence_app.redis_waits import be_patient
from cadence_app.worker import ForkingWorker, LivingWorker, Watch

W = TypeVar("W", bound=BaseWorker)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class ForkingRQ(RQ):
    """Flask-RQ whose `flask rq worker` forks for each job (worker.py says why), and whose programs wait for
    Redis longer than a request does. `cron_jobs` are what the scheduler puts on a queue by the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.cron_jobs: list[CronJob] = []

    def make_worker(self, queues: list[str] | tuple[str, ...] | None = None, **kwargs: Any) -> ForkingWorker:
        return self._made(ForkingWorker, queues, kwargs)

    def make_living_worker(self, queues: tuple[str, ...], watch: Watch, **kwargs: Any) -> LivingWorker:
        """One for short jobs, which tells `watch` what it is about."""
        worker = self._made(LivingWorker, queues, kwargs)
        worker.watch = watch
        return worker

    def _made(self, kind: type[W], queues: Sequence[str] | None, options: dict[str, Any]) -> W:
        known: dict[str, Queue] = self.queues
        chosen = [known[name] for name in queues] if queues else list(known.values())
        be_patient(chosen[0].connection)
        return kind(chosen, job_class=chosen[0].job_class, **options)

    def make_cron_scheduler(self) -> CronScheduler:
        scheduler = super().make_cron_scheduler()
        be_patient(scheduler.connection)
        scheduler.get_jobs().extend(self.cron_jobs)
        return scheduler


db = SQLAlchemy(model_class=Base)
# Every time in the database is an instant (UTC), every id a bigint, every string of any length, and every
# StrEnum the text of its member.
_TYPES = {int: BigInteger, str: Text, datetime: DateTime(timezone=True)}
db.Model.registry.update_type_annotation_map(_TYPES)  # type: ignore[attr-defined]
event.listen(db.Model.registry, "resolve_type_annotation", resolve_enum)  # type: ignore[attr-defined]
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
mail = Mail()
rq = ForkingRQ()
limiter = Limiter(get_remote_address)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
