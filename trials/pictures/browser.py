"""Headless Chromium, driven by the Chrome DevTools protocol over a pipe."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from runtime.exits import FatalError

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WITHIN = 30.0
_LOOK_EVERY = 0.1
#: Seconds for which a page must not change before it is taken, because panels unfold slowly.
_AT_REST = 0.7

#: Text of the page. Markdown, such as a run's details, is in frames.
_TEXT = """
[document, ...[...document.querySelectorAll('iframe')].map(frame => frame.contentDocument)]
    .map(shown => shown?.body?.innerText ?? '').join(' ')
"""


class NoBrowser(FatalError):
    """There is no Chromium, or a page does not show what it should."""


class Browser:
    """One page of a browser."""

    def __init__(self, to: int, answers: asyncio.StreamReader) -> None:
        self._to = to
        self._answers = answers
        self._numbers = itertools.count(1)
        self._session: str | None = None

    async def open(self, width: int, height: int) -> None:
        """Open the page, with this size."""
        created = await self._call("Target.createTarget", url="about:blank")
        attached = await self._call(
            "Target.attachToTarget", targetId=created["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        await self._call("Page.enable")
        await self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def go(self, url: str, *texts: str) -> None:
        """Go to an address, and wait until the page shows all texts and is at rest."""
        await self._call("Page.navigate", url=url)
        await self.until_it_shows(*texts)

    async def until_it_shows(self, *texts: str) -> None:
        """Wait until the page shows all texts and does not change any more.

        Raises:
            NoBrowser: it did not in time.
        """
        deadline = time.monotonic() + _WITHIN
        before, since = "", time.monotonic()
        while time.monotonic() < deadline:
            shown = str(await self.evaluate(_TEXT))
            if shown != before:
                before, since = shown, time.monotonic()
            if all(text in shown for text in texts) and time.monotonic() - since > _AT_REST:
                return
            await asyncio.sleep(_LOOK_EVERY)
        missing = ", ".join(repr(text) for text in texts if text not in before)
        raise NoBrowser(f"a page of the Web UI does not show {missing or 'the same for a moment'}")

    async def evaluate(self, script: str) -> object:
        """Evaluate JavaScript in the page, and return its value."""
        answer = await self._call("Runtime.evaluate", expression=script, returnByValue=True)
        value: object = answer["result"].get("value")
        return value

    async def picture(self, *, x: int, y: int, width: int, height: int) -> bytes:
        """Return a part of the page as PNG."""
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        taken = await self._call("Page.captureScreenshot", format="png", clip=clip)
        return base64.b64decode(taken["data"])

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        request = {"id": number, "method": method, "params": params}
        if self._session:
            request["sessionId"] = self._session
        os.write(self._to, json.dumps(request).encode() + b"\0")
        while True:
            answer = json.loads((await self._answers.readuntil(b"\0"))[:-1])
            if answer.get("id") == number:
                break
        if "error" in answer:
            raise NoBrowser(f"Chromium refuses {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result


@asynccontextmanager
async def browser(width: int, height: int) -> AsyncIterator[Browser]:
    """Run Chromium; it ends with the context.

    Raises:
        NoBrowser: it is not installed.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        raise NoBrowser("pictures need Chromium; install it (on Debian: apt install chromium)")
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", f'exec "$@" 3<&{to_read} 4>&{from_write}', "sh", program,
            "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
            "--hide-scrollbars", "--no-first-run", f"--user-data-dir={profile}", "about:blank",
            pass_fds=(to_read, from_write),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(from_write)
        try:
            page = Browser(to_write, await _reader(from_read))
            await asyncio.wait_for(page.open(width, height), _WITHIN)
            yield page
        finally:
            os.close(to_write)
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    return reader
