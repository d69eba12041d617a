"""Key files for encryption."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path


def key_file(file: Path) -> str:
    """Write a key file with a new key, and return its path."""
    file.write_bytes(b64encode(os.urandom(32)))
    return str(file)
