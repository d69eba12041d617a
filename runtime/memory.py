"""Memory of a worker: what the C library and Python's collector keep although nobody needs it."""

from __future__ import annotations

import gc

#: Value of ``GLIBC_TUNABLES`` for a worker. By default the C library gives a worker's hundred
#: threads eight heaps for each processor and fills none of them, and each thread keeps up to
#: 230 KiB of freed memory for itself. See the manual,
#: https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
FOR_MANY_THREADS = "glibc.malloc.arena_max=2:glibc.malloc.tcache_max=256"


def keep_what_is_loaded() -> None:
    """Have the garbage collector leave everything alone that exists now, for good.

    To be called before the first run is there. The modules are two thirds of a busy worker's
    objects. All threads wait while the collector looks at them, and the more it looks at, the more
    runs of ended orders it lets come together before it does so again.
    """
    gc.collect()
    gc.freeze()
