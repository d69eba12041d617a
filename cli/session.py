"""Session of a command: its settings, its connection to Temporal, and its output."""

from __future__ import annotations

from typing import NamedTuple

from temporalio.client import Client
from typing_extensions import Self

from cli.connection import connected
from cli.output import Output
from cli.web_ui import WebUI
from settings import Settings, read_settings


class Session(NamedTuple):
    """Everything that a command needs besides its arguments."""

    settings: Settings
    client: Client
    output: Output

    @classmethod
    async def open(cls, *, as_json: bool) -> Self:
        """Read the settings and connect.

        Raises:
            FatalError: a setting is wrong, or there is no connection; see :func:`connected`.
        """
        settings = read_settings()
        client = await connected(settings)
        server = client.service_client.config.target_host
        web_ui = WebUI.of(settings.web_ui, server, client.namespace)
        return cls(settings, client, Output(as_json=as_json, web_ui=web_ui))
