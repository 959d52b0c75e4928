"""Refuses a query parameter that the operation does not know: a misspelt filter must not answer with everything."""

from fastapi import Request
from fastapi.routing import APIRoute

from api.problem import invalid


def known_queries(request: Request) -> None:
    """A dependency of every operation; operations name their parameters themselves, not through dependencies.

    Raises
    ------
    ProblemError
        422, naming the parameter and those there are.
    """
    if not request.query_params:
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = {field.alias for field in route.dependant.query_params}
    for name in request.query_params:
        if name not in known:
            there_are = f"there are {', '.join(sorted(known))}" if known else "there are none"
            raise invalid(name, f"is no parameter of this operation: {there_are}", "query")
