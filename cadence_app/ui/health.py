"""Whether the parts answer, for the supervisor and a load balancer."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy import select

from cadence_app.extensions import db, rq

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """200 while the database answers; "redis": "delayed" means that jobs wait, not that they are lost."""
    db.session.execute(select(1))
    try:
        rq.get_queue("sweeps").connection.ping()
    except RedisError:
        return jsonify(database="ok", redis="delayed")
    return jsonify(database="ok", redis="ok")
