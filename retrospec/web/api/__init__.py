"""The JSON API."""

from litestar import Router

from retrospec.web.api import artifacts, ingest, internal, operate, read, schema, sdk
from retrospec.web.api.errors import HANDLERS
from retrospec.web.audit import note_answered

routes = [
    Router("/", route_handlers=ingest.ROUTES, exception_handlers=HANDLERS),
    Router(
        "/",
        route_handlers=[
            *read.ROUTES,
            *artifacts.ROUTES,
            *internal.ROUTES,
            *operate.ROUTES,
            *sdk.ROUTES,
            *schema.ROUTES,
        ],
        exception_handlers=HANDLERS,
        after_response=note_answered,
    )
]
