"""A headless Chromium driven over its debugging pipe: no driver to install, no port to open."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

PATH = next(
    (found for each in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(each))), None
)
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Tab": 9, "Enter": 13, " ": 32, "z": 90, "Escape": 27}


def _pipe() -> tuple[int, int]:
    """Both ends above the numbers that the browser wants."""
    ends = os.pipe()
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in ends]
    for each in ends:
        os.close(each)
    return moved[0], moved[1]


class Browser:
    """One process; `tab` opens a page in it.  A context manager that ends the process by its own handle."""

    def __init__(self, folder: Path):
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True, exist_ok=True)
        to_read, self._write = _pipe()
        self._read, to_write = _pipe()
        quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
        joined = [(os.POSIX_SPAWN_DUP2, to_read, 3), (os.POSIX_SPAWN_DUP2, to_write, 4)]
        command = [str(PATH), *OPTIONS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        self._process = os.posix_spawn(command[0], command, os.environ, file_actions=[*quiet, *joined])
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call("Browser.close")
        except (OSError, TimeoutError):
            os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The result of one command; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + 60
        while True:
            answer = self._next(until)
            if answer.get("id") == message["id"]:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            found = os.read(self._read, 1 << 20)
            if not found:
                raise OSError("the browser has ended")
            self._buffer += found
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def tab(self, url: str, *, width: int = 1440, height: int = 1000, dark: bool = False) -> Tab:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        found = Tab(self, target, session)
        for each in ("Page", "Runtime", "Network", "Log"):
            found.call(f"{each}.enable")
        found.size(width, height)
        found.dark(dark)
        found.open(url)
        return found

    def downloaded(self, name: str) -> Path:
        """A file that a page has saved, once it is whole."""
        path = self.downloads / name
        until = time.monotonic() + 20
        while not path.is_file() or any(self.downloads.glob("*.crdownload")):
            assert time.monotonic() < until, f"{name} was not saved"
            time.sleep(0.05)
        return path


class Tab:
    def __init__(self, browser: Browser, target: str, session: str):
        self.browser, self.target, self.session = browser, target, session

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **params)

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def size(self, width: int, height: int, scale: float = 1) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                  mobile=False)  # fmt: skip

    def dark(self, dark: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def run(self, script: str) -> Any:
        """The value of an expression, a promise awaited."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < until, f"still not: {script}"
            time.sleep(0.03)

    def press(self, key: str, *, ctrl: bool = False, shift: bool = False) -> None:
        """One real key, down and up."""
        code = "KeyZ" if key == "z" else "Space" if key == " " else key
        text = {"Enter": "\r", " ": " "}.get(key)
        common = {"key": key, "code": code, "windowsVirtualKeyCode": KEYS[key], "modifiers": 2 * ctrl + 8 * shift}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common,
                  **({"text": text} if text else {}))  # fmt: skip
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path: Path, *, whole: bool = True) -> Path:
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))
        return path

    def pdf(self) -> bytes:
        found = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(found["data"])

    def close(self) -> None:
        self.browser.call("Target.closeTarget", targetId=self.target)

    def events(self, method: str) -> list[dict[str, Any]]:
        return [each["params"] for each in self.browser.events
                if each.get("method") == method and each.get("sessionId") == self.session]  # fmt: skip

    def complaints(self) -> list[str]:
        """What the page wrote to the console as an error, and exceptions that nobody caught."""
        found = [json.dumps(each) for each in self.events("Runtime.exceptionThrown")]
        found += [json.dumps(each) for each in self.events("Log.entryAdded") if each["entry"]["level"] == "error"]
        return found + [
            json.dumps(each) for each in self.events("Runtime.consoleAPICalled") if each["type"] in ("error", "assert")
        ]
