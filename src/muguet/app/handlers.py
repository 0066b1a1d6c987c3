"""The addresses of the page, each below the secret token."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from tornado.web import Application, HTTPError, stream_request_body

from muguet.app.guard import Handler
from muguet.app.service import MAX_UPLOAD, Service
from muguet.app.state import download_of, state_of
from muguet.report.page import template_environment
from muguet.system.text import json_safe
from muguet.version import __version__

REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "frame-ancestors 'none'"
)
"""The report is one file with its script inside; it can reach neither the page nor a network."""

_TYPES = {".css": "text/css", ".js": "text/javascript"}
_CHUNK = 2**20


def make_application(service: Service) -> Application:
    """Return the web application of a service."""
    given = {"service": service}
    routes = [
        (r"/([^/]*)/", PageHandler, given),
        (r"/([^/]*)/(app\.css|app\.js)", AssetHandler, given),
        (r"/([^/]*)/jobs", JobsHandler, given),
        (r"/([^/]*)/upload", UploadHandler, given),
        (r"/([^/]*)/jobs/(\d{1,9})", JobHandler, given),
        (r"/([^/]*)/jobs/(\d{1,9})/(stop|look|report)", ActionHandler, given),
        (r"/([^/]*)/jobs/(\d{1,9})/(noisy|denoised|blurred|profile|law)\.png", PictureHandler, given),
        (r"/([^/]*)/jobs/(\d{1,9})/(result|model|report)\.file", DownloadHandler, given),
    ]
    return Application(
        routes,
        default_handler_class=NothingHandler,
        default_handler_args=given,
        log_function=lambda handler: None,  # Addresses hold the token.
    )


class NothingHandler(Handler):
    """Any other address."""

    def prepare(self) -> None:
        """Refuse."""
        raise HTTPError(403)


class PageHandler(Handler):
    """The page."""

    def get(self, token: str) -> None:
        """Answer with the page."""
        proposals = self.service.access.proposals()
        page = template_environment("muguet.app").get_template("page.html.j2")
        self.finish(
            page.render(
                version=__version__,
                proposals=proposals,
                may_open=bool(self.service.access.roots),
                max_upload=MAX_UPLOAD,
                minutes=self.service.minutes,
            )
        )


class AssetHandler(Handler):
    """The style and the script of the page."""

    def get(self, token: str, name: str) -> None:
        """Answer with a file of the package."""
        self.set_header("Content-Type", f"{_TYPES[Path(name).suffix]}; charset=utf-8")
        self.finish(files("muguet.app").joinpath("templates", name).read_bytes())


class JobsHandler(Handler):
    """The open images."""

    def get(self, token: str) -> None:
        """Answer with the number and name of each open image."""
        jobs = self.service.jobs.values()
        self.answer([{"number": job.number, "name": job.name, "stage": job.stage} for job in jobs])

    def post(self, token: str) -> None:
        """Open a file by its path, or a simulated image."""
        body = self.body()
        job = (
            self.service.simulate() if body.get("simulated") else self.service.open(str(body.get("path", "")))
        )
        self.answer({"number": job.number})


@stream_request_body
class UploadHandler(Handler):
    """A file that is dropped on the page, as the body of a request."""

    @property
    def most_bytes(self) -> int:
        """The largest file that is taken."""
        return MAX_UPLOAD

    def prepare(self) -> None:
        """Begin to receive a file."""
        self._file: Any = None
        super().prepare()
        self.request.connection.set_max_body_size(MAX_UPLOAD)  # type: ignore[union-attr]
        name = unquote(self.get_query_argument("name", "image"))
        self._name = _plain(name)
        self._folder = self.service.reserve()
        self._path = self._folder / f"dropped{_ending(self._name)}"
        self._file = self._path.open("wb")

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the file."""
        if self._file is not None:  # It is None if the request was refused.
            self._file.write(chunk)

    def post(self, token: str) -> None:
        """Begin to denoise the file."""
        self._file.close()
        job = self.service.begin(self._path, self._name or "image", self._folder)
        self.answer({"number": job.number})

    def on_connection_close(self) -> None:
        """Remove what was received of a file that never came."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


def _plain(name: str) -> str:
    """Return the last part of a path, of at most 200 printable letters."""
    last = name.replace("\\", "/").split("/")[-1]
    return "".join(each for each in last if each.isprintable())[-200:]


def _ending(name: str) -> str:
    """Return the ending of a file name, of letters, digits and points only."""
    ending = "".join(Path(name).suffixes[-2:]).lower()
    return ending if all(each.isalnum() or each == "." for each in ending) and len(ending) < 20 else ""


class JobHandler(Handler):
    """An open image."""

    def get(self, token: str, number: str) -> None:
        """Answer with everything that the page shows of it."""
        self.answer(json_safe(state_of(self.find(number))))

    def delete(self, token: str, number: str) -> None:
        """Close it."""
        self.find(number)
        self.service.close(int(number))
        self.answer({})


class ActionHandler(Handler):
    """What the page asks for an image."""

    def post(self, token: str, number: str, action: str) -> None:
        """Stop the training, show another plane, or write the report."""
        job = self.find(number)
        if action == "stop":
            job.stop.set()
        elif action == "report":
            self.service.write_report(job)
        else:
            body = self.body()
            n, c = body.get("n"), body.get("c")
            if not (isinstance(n, int) and isinstance(c, int)):
                raise HTTPError(400)
            self.service.look(job, n, c)
        self.answer({})


class PictureHandler(Handler):
    """A picture of an image."""

    def get(self, token: str, number: str, name: str) -> None:
        """Answer with a PNG file."""
        found = self.find(number).picture(name)
        if found is None:
            raise HTTPError(404)
        self.set_header("Content-Type", "image/png")
        self.finish(found)


class DownloadHandler(Handler):
    """A file for download."""

    async def get(self, token: str, number: str, kind: str) -> None:
        """Answer with the file, part by part."""
        found = download_of(self.find(number), kind)
        if found is None:
            raise HTTPError(404)
        path, name = found
        if kind == "report":
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.set_header("Content-Security-Policy", REPORT_POLICY)
        else:
            self.set_header("Content-Type", "application/octet-stream")
        shown = "inline" if kind == "report" else "attachment"
        self.set_header("Content-Disposition", f"{shown}; filename*=UTF-8''{quote(name, safe='')}")
        self.set_header("Content-Length", str(path.stat().st_size))
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                self.write(chunk)
                await self.flush()
