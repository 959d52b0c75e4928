"""Turns this process's counters into a page that Prometheus reads, on this machine only."""

from typing import Final

from prometheus_client import start_http_server

from model.errors import CordonError

HOST: Final = "127.0.0.1"


def expose(port: int) -> None:
    """Answer ``/metrics`` on a port of this machine from a thread of its own; 0: on none.

    Raises
    ------
    CordonError
        If the port is taken.
    """
    if not port:
        return
    try:
        start_http_server(port, addr=HOST)
    except OSError as error:
        raise CordonError(
            f"port {port} on {HOST} cannot be used ({error.strerror}): choose another CORDON_METRICS_PORT"
        ) from error
