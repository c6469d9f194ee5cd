"""A worker as `flask rq worker campaigns` runs it, with the counting carrier at the address given."""

from __future__ import annotations

import sys

import config
from cadence_app import create_app
from cadence_app.extensions import rq
from cadence_app.messaging import providers
from tests.campaigns.carrier import driver_at

if __name__ == "__main__":
    app = create_app(config.load())
    providers.register(driver_at(sys.argv[1]))
    with app.app_context():
        rq.make_worker(["campaigns"]).work()
