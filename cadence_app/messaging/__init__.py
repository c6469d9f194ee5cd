"""Conversations, texts in and out, and the desk."""

from __future__ import annotations

from flask import Flask

from cadence_app.messaging import (
    dev_phone,
    done_routes,
    draft_boxes,
    draft_routes,
    for_me_routes,
    keyword_routes,
    later_routes,
    new_text_routes,
    opt_out_queue_routes,
    routes,
    settled_flags,
    template_routes,
    traces,
    undo_routes,
    waiting_routes,
)
from cadence_app.messaging.carriers import jobs as carrier_jobs
from cadence_app.messaging.carriers import screens, unread_screens, webhooks
from cadence_app.messaging.media import jobs as media_jobs
from cadence_app.messaging.media import routes as media_routes

__all__ = ["carrier_jobs", "media_jobs", "settled_flags", "traces"]


def init_app(app: Flask) -> None:
    pages = (
        routes,
        done_routes,
        draft_routes,
        for_me_routes,
        later_routes,
        new_text_routes,
        opt_out_queue_routes,
        template_routes,
        undo_routes,
        keyword_routes,
        screens,
        unread_screens,
        webhooks,
        media_routes,
        waiting_routes,
    )
    for page in pages:
        app.register_blueprint(page.blueprint)
    app.add_template_global(draft_boxes.stash, "draft_stash")
    if app.config["DEV_TOOLS"]:
        app.register_blueprint(dev_phone.blueprint)
