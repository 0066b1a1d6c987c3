"""The server of the page, on the loopback interface only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from muguet.errors import MuguetError
from muguet.system.extras import check_installed

if TYPE_CHECKING:
    from muguet.app.service import Service

HOST = "127.0.0.1"
"""The loopback interface: no other machine can reach it."""


def check_packages() -> None:
    """Check that everything that the page needs is installed; nothing is imported.

    Raises
    ------
    MuguetError
        If a package is not installed.
    """
    check_installed("app", ("tornado", "jinja2", "matplotlib"), "muguet app")


def serve(service: Service, ready: Callable[[str], None], port: int = 0, ended: Event | None = None) -> None:
    """Serve the page until `ended` is set, or for ever; then end all work and remove all files.

    Parameters
    ----------
    service
        The images.
    ready
        Called with the address of the page once it can be opened.
    port
        The port; 0: any free one.
    ended
        Set to end.

    Raises
    ------
    MuguetError
        If the port is taken, or a package is not installed.
    """
    check_packages()
    try:
        asyncio.run(_serve(service, ready, port, ended or Event()))
    finally:
        service.end()


async def _serve(service: Service, ready: Callable[[str], None], port: int, ended: Event) -> None:
    from tornado.httpserver import HTTPServer
    from tornado.netutil import bind_sockets

    from muguet.app.handlers import make_application

    application = make_application(service)
    try:
        sockets = bind_sockets(port, HOST, socket.AF_INET)
    except OSError as error:
        raise MuguetError(f"port {port} is taken or not allowed: choose another one with --port") from error
    number = int(sockets[0].getsockname()[1])
    application.settings["port"] = number
    server = HTTPServer(application, max_body_size=2**20)
    server.add_sockets(sockets)
    ready(f"http://{HOST}:{number}/{service.token}/")
    try:
        while not ended.is_set():
            await asyncio.sleep(0.2)
    finally:
        server.stop()
        await server.close_all_connections()
