"""Connection to the Temporal server that can be cut."""

from __future__ import annotations

import asyncio
import time
from threading import Thread

_CHUNK = 65536


class Proxy:
    """Proxy on the loopback interface between the system and its Temporal server."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._ends: set[asyncio.StreamWriter] = set()
        self._deaf = self._cut = False
        #: Number of connections that were broken, and of those that were refused.
        self.broken = self.turned_away = 0
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()
        serving = asyncio.start_server(self._accept, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        #: Address to connect to instead of the server.
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection, and refuse new ones.

        For a moment before that, requests still get through but replies do not. So a client
        cannot know whether its request was carried out.
        """
        self._deaf = True
        time.sleep(0.3)
        self._cut = True
        self._loop.call_soon_threadsafe(self._break_all)

    def mend(self) -> None:
        """Let all connections through again."""
        self._deaf = self._cut = False

    def _break_all(self) -> None:
        self.broken += len(self._ends) // 2
        for end in self._ends:
            end.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:  # the server may not be running at the moment
            writer.transport.abort()
            return
        if self._cut:
            self.turned_away += 1
            writer.transport.abort()
            back.transport.abort()
            return
        self._ends |= {writer, back}
        await asyncio.gather(
            self._pass_on(reader, back), self._pass_on(there, writer, answers=True)
        )
        self._ends -= {writer, back}

    async def _pass_on(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        try:
            while said := await source.read(_CHUNK):
                if answers and self._deaf:
                    continue
                to.write(said)
                await to.drain()
        except OSError:
            pass  # one side has closed, so the other one is closed too
        finally:
            to.close()
