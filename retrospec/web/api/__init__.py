"""The JSON API."""

from litestar import Router

from retrospec.web.api import artifacts, assets, ingest, internal, operate, read, schema, sdk, source_maps, v2
from retrospec.web.api.errors import HANDLERS
from retrospec.web.audit import note_answered

routes = [
    Router("/", route_handlers=[*ingest.ROUTES, *assets.ROUTES], exception_handlers=HANDLERS),
    Router(
        "/",
        route_handlers=[
            *read.ROUTES,
            *artifacts.ROUTES,
            *internal.ROUTES,
            *operate.ROUTES,
            *sdk.ROUTES,
            *source_maps.ROUTES,
            *schema.ROUTES,
            v2.router,
        ],
        exception_handlers=HANDLERS,
        after_response=note_answered,
    )
]
