"""Health check of a container: ``python -m runtime.healthcheck [URL]``.

It exits with 0 if the URL answers that all is well, and otherwise with 1 and what is missing. By
default it asks the worker of this container whether it is ready. It runs every few seconds, so it
imports nothing but the standard library, not even the settings.
"""

from __future__ import annotations

import os
import sys
from urllib.error import HTTPError
from urllib.request import urlopen

#: Seconds; more than the worker takes at most.
_PATIENCE = 5.0


def main(arguments: list[str]) -> int:
    """Ask, and return the exit code."""
    address = os.environ.get("ORDER_SAGA_HEALTH_ADDRESS")
    if not arguments and not address:
        print("error: name a URL, or set ORDER_SAGA_HEALTH_ADDRESS", file=sys.stderr)
        return 2
    # A worker that listens on all addresses listens on loopback, too.
    host, _, port = (address or "").rpartition(":")
    here = "127.0.0.1" if host in ("0.0.0.0", "[::]") else host
    url = arguments[0] if arguments else f"http://{here}:{port}/ready"
    try:
        with urlopen(url, timeout=_PATIENCE):
            return 0
    except HTTPError as error:
        print(f"{url}: {error.read().decode(errors='replace')}", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"{url}: {getattr(error, 'reason', error)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
