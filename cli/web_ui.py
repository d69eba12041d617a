"""Address of Temporal's Web UI, and of the pages about runs in it."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from typing_extensions import Self

_LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)")
_CLOUD = re.compile(r"\.(?:tmprl\.cloud|api\.temporal\.io):\d+$")
#: The development server's Web UI has this port by default, counted from that of the server.
_NEXT_THOUSAND = 1000
_WITHIN = 0.5


class WebUI(NamedTuple):
    """Web UI of one namespace."""

    url: str
    namespace: str

    @classmethod
    def of(cls, chosen: str | None, server: str, namespace: str) -> Self | None:
        """Return the Web UI that belongs to a server; None if its address is not known.

        Args:
            chosen: its address, as the settings say; None means to derive it.
            server: the address of the server.
        """
        url = chosen or _derived(server)
        return cls(url.rstrip("/"), namespace) if url else None

    def link(self, workflow_id: str, run_id: str | None = None) -> str:
        """Return the address of the page about a run, by default the newest one."""
        namespace, workflow = quote(self.namespace, safe=""), quote(workflow_id, safe="")
        page = f"{self.url}/namespaces/{namespace}/workflows/{workflow}"
        return f"{page}/{quote(run_id, safe='')}/history" if run_id else page


def _derived(server: str) -> str | None:
    if _CLOUD.search(server):
        return "https://cloud.temporal.io"
    here = _LOOPBACK.fullmatch(server)
    if here is None:
        return None
    port = int(here[1]) + _NEXT_THOUSAND
    # Another port may have been chosen for it, and a link that leads nowhere helps nobody.
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), _WITHIN):
        return f"http://127.0.0.1:{port}"
    return None
