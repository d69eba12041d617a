"""Package ``order_saga``, as pip installs it: this entry point, and beside it a checkout's code.

The wheel has this file as ``order_saga/__init__.py``. The modules find each other as they do in a
checkout: by the first entry of ``sys.path``. So nothing else appears among the names of the
environment, and a module called ``settings`` or ``messages`` is nobody else's.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    sys.path.insert(0, str(Path(__file__).parent))
    from starter import main as run

    run()
