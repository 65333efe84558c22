"""The served page: the Python engine answers this computer only, and whatever is sent, it is numbers or refused."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from conftest import settled
from sample_page import a_page

from alliance_dynamics.cli import main
from alliance_dynamics.errors import UsageError
from alliance_dynamics.explorer.page import Page
from alliance_dynamics.explorer.server import LONGEST, served
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.settings import schedule_of


@pytest.fixture(scope="module")
def shown() -> Page:
    return a_page()


@pytest.fixture(scope="module")
def address(shown) -> Iterator[str]:
    with served(shown) as found:
        yield found


def ask(address: str, question: bytes | None, *, path: str = "run", **headers: str) -> tuple[int, bytes]:
    """The status and the answer; `question` None gets the page."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.netloc, timeout=20)
    try:
        kind = "GET" if question is None else "POST"
        connection.request(kind, parts.path + path, question, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_a_question_gets_the_numbers_of_a_run_at_the_models_own_step(shown, address):
    program = shown.program
    row = np.array(program.defaults)
    status, found = ask(address, json.dumps(row.tolist()).encode())
    answer = json.loads(found)
    assert status == 200 and answer["dt"] == shown.dt == 0.125
    row[program.parameter_index["time_step"]] = shown.dt
    schedule, _ = schedule_of(program, row)
    run = compile_kernel(program, shown.series.outputs).run(row[None], schedule, method="rk4")
    assert answer["values"] == shown.series.values(run.values)[0].T.ravel().tolist()


@pytest.mark.parametrize(
    "question",
    [b"", b"[", b"{}", b"[1, 2]", b"null", b'"x"', b"[" * 100_000, b"\xff", "NUMBERS:NaN", "NUMBERS:1e999",
     "NUMBERS:true",     'NUMBERS:"1"', "NUMBERS:1" + "0" * 5000],
    ids=lambda each: str(each)[:16],
)  # fmt: skip
def test_what_is_no_parameter_vector_is_refused(shown, address, question):
    if isinstance(question, str):  # one wrong number among right ones
        others = [repr(each) for each in shown.program.defaults[1:]]
        question = f"[{', '.join([question.removeprefix('NUMBERS:'), *others])}]".encode()
    status, why = ask(address, question)
    assert status == 400 and why and b"Traceback" not in why


def test_strangers_are_told_nothing(address):
    assert ask(address, None, path="")[0] == 200
    other = re.sub("/[^/]*/$", "/guessed/", address)
    assert ask(other, None, path="")[0] == ask(other, b"[]")[0] == 404
    assert ask(address, None, path="../etc/passwd")[0] == ask(address, None, path="run")[0] == 404
    assert ask(address, None, path="", Host="elsewhere.example")[0] == 404  # a name that was bent to this computer
    for length in (str(LONGEST + 1), "-1", "0" * 30 + "9" * 20, "x"):
        assert ask(address, b"[]", **{"Content-Length": length})[0] == 413


def test_a_port_that_is_taken_is_an_error(shown, address):
    with pytest.raises(UsageError, match="cannot be had"), served(shown, urlsplit(address).port or 0):
        pass


@pytest.mark.browser
def test_the_page_finds_the_server_and_says_who_answers(shown, browser):
    with served(shown) as address:
        tab = browser.tab(address)
        settled(tab)
        tab.wait("python && !python.silent && !byId('engine-note').hidden")
        assert "Python" in tab.run("byId('engine-note').textContent")
        assert tab.run("python.dt") == shown.dt
        assert 0 <= tab.run("python.worst") <= 1e-3
        assert tab.run("latest.now.length") == shown.series.weights.shape[1] * 51
    tab.run("python = null; renew()")
    tab.wait("python && python.silent")
    settled(tab)  # the page goes on by itself
    tab.close()


def test_the_command_serves_until_it_is_interrupted(tmp_path):
    script = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have turned it off
sys.path.insert(0, {str(Path(__file__).parent)!r})
import sample_page
from alliance_dynamics.study import exploring
exploring._serve(sample_page.a_page(), 0)
print("ended")
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/\S+/", line)
            assert found, line
            assert ask(found[0], None, path="")[0] == 200
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out.strip(), err) == (0, "ended", "")


def test_a_port_without_a_server_is_refused(capsys):
    assert main(["explore", "--port", "8000"]) == 2
    assert "--serve" in capsys.readouterr().err
    assert main(["explore", "--serve", "--port", "65536"]) == 2
