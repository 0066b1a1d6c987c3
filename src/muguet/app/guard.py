"""What every request must have: the secret token, this machine as its host, and no other page as its origin."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tornado.web import HTTPError, RequestHandler

from muguet.app.service import MAX_UPLOAD, Service
from muguet.app.words import sentence_of
from muguet.errors import MuguetError

if TYPE_CHECKING:
    from muguet.app.job import Job

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page loads its own files and nothing else."""

_MAX_REQUEST = 2**16  # Bytes of a request without a file.


class Handler(RequestHandler):
    """A request, which is refused unless it comes from the page itself.

    Refused are: another token than that of the address that was opened; another host than this machine, as by a page
    elsewhere whose name was pointed at it (DNS rebinding); and requests that pages of another origin made.
    """

    def initialize(self, service: Service) -> None:
        """Keep the service."""
        self.service = service

    def set_default_headers(self) -> None:
        """Set headers that keep the page and its answers to themselves."""
        self.clear_header("Server")
        for name, value in {
            "Cache-Control": "no-store",
            "Content-Security-Policy": PAGE_POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Refuse foreign requests, and large ones."""
        headers = self.request.headers
        port = self.settings["port"]
        hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        token = self.path_args[0] if self.path_args else ""
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "none")
        if (
            headers.get("Host", "") not in hosts
            or (origin is not None and origin not in {f"http://{host}" for host in hosts})
            or site not in ("none", "same-origin")
            or not hmac.compare_digest(unquote(token).encode(), self.service.token.encode())
        ):
            raise HTTPError(403)
        if int(headers.get("Content-Length") or 0) > self.most_bytes:
            raise HTTPError(413)

    @property
    def most_bytes(self) -> int:
        """The largest request that is taken."""
        return _MAX_REQUEST

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with one sentence."""
        error = kwargs.get("exc_info", (None, None))[1]
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"error": _sentence(status_code, error)}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is a fault of the program, and nothing else."""
        if not isinstance(value, HTTPError | MuguetError):
            super().log_exception(typ, value, tb)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer an error that the user can correct with status 400."""
        if isinstance(kwargs.get("exc_info", (None, None))[1], MuguetError):
            status_code = 400
        super().send_error(status_code, **kwargs)

    def find(self, number: str) -> Job:
        """Return an open image."""
        try:
            return self.service.job(int(number))
        except KeyError as error:
            raise HTTPError(404) from error

    def answer(self, facts: Any) -> None:
        """Answer with JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(facts))

    def body(self) -> dict[str, Any]:
        """Return the JSON of the request."""
        try:
            found = json.loads(self.request.body)
        except ValueError as error:
            raise HTTPError(400) from error
        if not isinstance(found, dict):
            raise HTTPError(400)
        return found


def _sentence(status: int, error: BaseException | None) -> str:
    if isinstance(error, MuguetError):
        return str(error)
    if status == 403:
        return (
            "this address is not the one that muguet app opened: open the page by the address in the terminal"
        )
    if status == 404:
        return "this is not there: the image was closed, or muguet app was started again"
    if status == 413:
        return (
            f"the file is larger than {MAX_UPLOAD / 2**30:g} GiB: start muguet app with its folder, and open it "
            "by its path"
        )
    if status in (400, 405):
        return "muguet app does not understand this request: reload the page"
    return sentence_of(error or RuntimeError())
