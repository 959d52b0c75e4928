"""Turns settings into the officers' API and the console as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import Depends, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from api import problem
from api.attempts import Attempts
from api.headers import Headers
from api.hub import Hub
from api.meters import Measured, Meters
from api.parts import Parts
from api.password import Checker
from api.problem import Problem
from api.queries import known_queries
from api.routes import (
    absences,
    activations,
    alerts,
    audit,
    billing,
    caseloads,
    changes,
    channels,
    compliance,
    contacts,
    covers,
    curfews,
    dead,
    deliveries,
    escalations,
    figures,
    fixes,
    groups,
    handover,
    health,
    imports,
    orders,
    pauses,
    settings,
    status,
    stream,
    tags,
    token,
    visits,
    wearers,
    zones,
)
from api.settings import Settings
from api.site import Console
from api.size import Limited
from api.token import Signer
from store.pool import Store

PREFIX: Final = "/api/v1"

# In the order in which a path is looked for: /alerts/stream is no alert's id.
ROUTERS: Final = tuple(
    module.router
    for module in (
        token,
        stream,
        alerts,
        contacts,
        escalations,
        pauses,
        handover,
        covers,
        caseloads,
        figures,
        zones,
        settings,
        changes,
        curfews,
        absences,
        wearers,
        orders,
        activations,
        visits,
        groups,
        imports,
        tags,
        fixes,
        compliance,
        status,
        dead,
        audit,
        channels,
        deliveries,
        billing,
    )
)


def create_app(settings: Settings) -> FastAPI:
    """The application; its lifespan opens the database and begins to read the feed.

    Everything it keeps in memory (waiting times of wrong passwords, recent events) is a convenience: any number of these run side
    by side, and each may be killed at any time.
    """
    signer = Signer(settings.token_secret, settings.access_s)  # a bad secret fails here, not at the first sign-in

    meters = Meters()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Store(settings.database, size=settings.pool, wait_s=settings.pool_wait_s) as store:
            hub = Hub(store)
            checker = Checker(settings.hash_threads)
            app.state.parts = Parts(settings, store, signer, checker, Attempts(), hub, meters)
            await hub.open()
            try:
                yield
            finally:
                await hub.close()
                checker.close()

    app = FastAPI(
        title="Cordon",
        summary="Electronic monitoring: wearers, zones, alerts.",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        # FastAPI's own pages load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
        generate_unique_id_function=lambda route: f"{route.tags[0]}-{route.name}".replace(" ", "-"),
    )
    problem.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(known_queries)])
    app.include_router(health.router)
    app.router.default = Console(settings.console)
    app.add_middleware(Limited)
    app.add_middleware(Headers)
    app.add_middleware(Measured, meters=meters)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False)
    _describe(app)
    return app


def end_streams(app: FastAPI) -> None:
    """End every open stream, so that a server that stops need not wait for them; clients resume elsewhere."""
    parts: Parts | None = getattr(app.state, "parts", None)
    if parts is not None:
        parts.hub.end_streams()


def _describe(app: FastAPI) -> None:
    """Put the one error shape into the OpenAPI document, which FastAPI cannot know of."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(shape.pop("$defs", {}))
            schemas["Problem"] = shape
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
