"""An operator's screen: reads the live stream in a thread and keeps what it was told."""

import http.client
import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from tests.integration.system import System, until


class Listener:
    """An open stream from now on, or from a position."""

    def __init__(self, up: System, after: int | None = None) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._connection = http.client.HTTPConnection(urlsplit(up.url).netloc, timeout=60)
        path = "/api/v1/alerts/stream" + (f"?last_event_id={after}" if after is not None else "")
        self._connection.connect()
        self._socket = self._connection.sock  # the answer takes it over
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {up.token('operator')}"})
        answer = self._connection.getresponse()
        assert answer.status == 200
        self._answer = answer
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Listener":
        self._thread.start()
        until(lambda: any(name == "hello" for name, _ in self.heard), "the stream says hello")
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._answer.close()
        self._connection.close()

    def alerts(self, tag: int) -> list[tuple[str, str, str]]:
        """What was said of a tag's alerts: change, kind, condition."""
        told = [data for name, data in list(self.heard) if name == "alert" and data["tag"] == tag]
        return [(data["change"], data["kind"], data["condition"]) for data in told]

    def _listen(self) -> None:
        name = "message"
        try:
            for raw in self._answer:
                line = raw.decode().rstrip("\r\n")
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    self.heard.append((name, json.loads(line[5:])))
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # closed, by either end
