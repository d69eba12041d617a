"""Writer of the passwords that docker-compose.yml needs: ``python3 docker/passwords.py``.

It adds to ``.env`` those that are missing, and changes none: the database keeps its first one.
"""

import base64
import os
import secrets
from pathlib import Path

FILE = Path(".env")

#: Makers of the values, by the name of the variable.
MAKERS = {
    "POSTGRES_PASSWORD": lambda: secrets.token_hex(24),
    "GRAFANA_PASSWORD": lambda: secrets.token_hex(12),
    "CODEC_TOKEN": lambda: secrets.token_hex(24),
    # As docs/encryption.md says: 32 bytes in Base64.
    "ENCRYPTION_KEY": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
}


def main() -> None:
    """Add what is missing; only the owner may read the file afterwards."""
    written = FILE.read_text() if FILE.exists() else ""
    known = {line.split("=")[0].strip() for line in written.splitlines()}
    missing = [name for name in MAKERS if name not in known]
    if not missing:
        return
    added = "".join(f"{name}={MAKERS[name]()}\n" for name in missing)
    if written and not written.endswith("\n"):
        added = "\n" + added
    with open(os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(added)
    print(f"{FILE}: {', '.join(missing)}")


if __name__ == "__main__":
    main()
