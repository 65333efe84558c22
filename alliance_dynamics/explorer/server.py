"""The explorer behind a server of this computer: the same page, its present lines from the Python engine.

Only this computer reaches it, under an address with a random token; a page from elsewhere that guesses the port is told
nothing.  What arrives is a list of numbers and is never executed.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.explorer.page import Page, page_script, policy_hash
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.settings import schedule_of

HOST = "127.0.0.1"
LONGEST = 1_000_000  # bytes of a question


class Engine:
    """Runs of the page's program at the model's own step."""

    def __init__(self, page: Page):
        self.page, self.lock = page, Lock()
        self.kernel = compile_kernel(page.program, page.series.outputs)

    def answer(self, question: object) -> dict[str, Any]:
        """`question`: a parameter vector of the program.  All outcomes by year, one after the other, and the step.

        ValueError: not as many finite numbers as the program has parameters, or a run that fails.
        """
        program = self.page.program
        size = len(program.parameters)
        if not isinstance(question, list) or len(question) != size:
            raise ValueError(f"{size} numbers are wanted")
        if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in question):
            raise ValueError("only numbers are wanted")
        row = np.array(question, dtype=np.float64)
        if not np.isfinite(row).all():
            raise ValueError("only finite numbers are wanted")
        for name in ("initial_time", "final_time", "saveper"):
            row[program.parameter_index[name]] = program.defaults[program.parameter_index[name]]
        row[program.parameter_index["time_step"]] = self.page.dt
        schedule, _ = schedule_of(program, row)
        with self.lock:
            run = self.kernel.run(row[None], schedule, method=self.page.method)
        if run.failed[0] >= 0:
            raise ValueError("the run fails")
        values: NDArray[np.float64] = self.page.series.values(run.values)[0]  # [year, outcome]
        return {"dt": self.page.dt, "values": values.T.ravel().tolist()}


@contextmanager
def served(page: Page, port: int = 0) -> Iterator[str]:
    """The address under which the page is served while the block lasts; `port` 0 takes a free one.

    UsageError: the port cannot be had.
    """
    token = secrets.token_urlsafe(16)
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(page, Engine(page), token))
    except (OSError, OverflowError) as error:
        raise UsageError(
            fault("", "Port {port} of this computer cannot be had: {reason}", port=port, reason=str(error),
                  remedy="Name another one with --port, or leave it out")
        ) from error  # fmt: skip
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/{token}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def served_text(page: str) -> str:
    """The page with the script that asks the server, which its policy allows."""
    script = page_script("served")
    head, body = page.split("</head>", 1)
    head = head.replace("script-src ", f"script-src {policy_hash(script)} ", 1)
    head = head.replace("base-uri ", "connect-src 'self'; base-uri ", 1)
    before, after = body.rsplit("</body>", 1)
    return f"{head}</head>{before}<script>{script}</script>\n</body>{after}"


def _handler(page: Page, engine: Engine, token: str) -> type[BaseHTTPRequestHandler]:
    text = served_text(page.text).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            if self._known() and self.path == f"/{token}/":
                self._send(HTTPStatus.OK, text, "text/html; charset=utf-8")
            else:
                self._decline(HTTPStatus.NOT_FOUND, "not found")

        def do_POST(self) -> None:
            self.close_connection = True  # what is left of a question that was not read is no question
            length = self.headers.get("Content-Length", "")
            if not self._known() or self.path != f"/{token}/run":
                self._decline(HTTPStatus.NOT_FOUND, "not found")
            elif not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > LONGEST:
                self._decline(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LONGEST} bytes, and their number first")
            else:
                try:
                    found = engine.answer(json.loads(self.rfile.read(int(length))))
                except (ValueError, RecursionError, OverflowError) as error:
                    self._decline(HTTPStatus.BAD_REQUEST, str(error))
                else:
                    self._send(HTTPStatus.OK, json.dumps(found, allow_nan=False).encode(), "application/json")

        def _known(self) -> bool:
            """Whether the question is put to this computer by its own name: a page from elsewhere cannot do that."""
            assert isinstance(self.server, ThreadingHTTPServer)
            port = self.server.server_port
            return self.headers.get("Host", "") in (f"{HOST}:{port}", f"localhost:{port}")

        def _decline(self, status: HTTPStatus, text: str) -> None:
            self._send(status, text.encode(), "text/plain; charset=utf-8")

        def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind), ("Content-Length", str(len(content))), ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is said of single questions."""

    return Handler
