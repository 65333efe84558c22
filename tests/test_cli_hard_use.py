"""The command line under hard use: signals, closed streams, odd paths and locales, names of what is not there."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_models import TANK as MODEL

from alliance_dynamics.cli import main
from alliance_dynamics.language import use_language

COMMAND = [sys.executable, "-m", "alliance_dynamics"]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and shells")


@pytest.fixture
def room(tmp_path, monkeypatch) -> Path:
    """An empty folder, with a model under a path with blanks and Cyrillic letters."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "моя папка"
    folder.mkdir()
    (folder / "модель один.mdl").write_text(MODEL, encoding="utf-8")
    yield folder
    use_language("en")


def say(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


# ---- names and values


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run R9", "There is no model or regime `R9`. A built-in model (alliance, "),
        ("run allience", "Did you mean `alliance`?"),
        ("check allience", "Did you mean `alliance`?"),
        ("run MODEL R3", "`R3` is a regime of the built-in model `alliance`."),
        ("compare R9", "There is no regime `R9`. One of R0, R1, R2, R3, R4."),
        ("compare --baseline R7", "There is no regime `R7`."),
        ("sensitivity --points 3", "--points: `3` is not a power of two; take 2 or 4."),
        ("study nowhere", "There is no calibration problem `nowhere`."),
        ("study --policy-year 1900", "A year from 2023 to 2049"),
        ("run MODEL --set k=1,5", "write 1.5."),
        ("run R3 --set federal_apropriation=1", "Did you mean `federal_appropriation`?"),
        ("run MODEL --set k=nan", "`nan` is not a finite number."),
        ("run MODEL --dt 0.3", "Use 4.8 or 5.1."),
        ("run MODEL --dt 1e-12", "At most 100000000."),
        ("run MODEL --stop -1", "A stop not before the start."),
        ("run MODEL --saveper 0.3", "Use 0.25 or 0.5."),
    ],
)
def test_wrong_names_and_values_are_refused_at_once(room, capsys, arguments, said):
    words = [str(room / "модель один.mdl") if each == "MODEL" else each for each in arguments.split()]
    began = time.monotonic()
    code, out, err = say(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert time.monotonic() - began < 8
    assert not list(Path().glob("**/*.part-*"))


@pytest.mark.parametrize("setting", ["residence time=0", "k=1e308"])
def test_a_run_that_blows_up_names_variable_and_time_and_writes_nothing(room, capsys, setting):
    out = room / "x.csv"
    code, _, err = say(capsys, "run", str(room / "модель один.mdl"), "--set", setting, "--out", str(out))
    assert code == 4
    assert "run failed: draw 0, time " in err
    assert "became inf" in err
    assert not out.exists()


# ---- places


def test_blanks_and_cyrillic_letters_in_paths_are_no_obstacle(room, capsys):
    out = room / "итог 1.csv"
    code, _, err = say(capsys, "run", str(room / "модель один.mdl"), "--out", str(out))
    assert code == 0
    assert out.read_text(encoding="utf-8").startswith("time,S,")
    written, following = err.splitlines()
    assert written == f"Written: {out}"
    assert shlex.split(following.removeprefix("Next: ")) == ["alliance", "check", str(room / "модель один.mdl")]


@pytest.mark.parametrize("out", ["a folder.csv", "модель один.mdl/x.csv"])
def test_a_place_that_cannot_be_written_is_refused_and_left_alone(room, capsys, out):
    (room / "a folder.csv").mkdir()
    before = sorted(room.rglob("*"))
    code, _, err = say(capsys, "run", str(room / "модель один.mdl"), "--out", str(room / out))
    assert code == 2
    assert "The file cannot be written" in err or "This is a folder, not a file" in err
    assert sorted(room.rglob("*")) == before


@pytest.mark.parametrize("command", ["compare", "sensitivity", "study", "calibrate"])
def test_a_folder_of_other_files_is_not_replaced(room, capsys, command):
    code, _, err = say(capsys, command, "--out", str(room))
    assert code == 2
    assert "The folder holds files that were not written by this program. Choose another folder with --out." in err
    assert (room / "модель один.mdl").is_file()


def test_a_run_over_an_earlier_result_replaces_it_whole(room, capsys):
    out = room / "x.csv"
    out.write_text("old\n" * 10_000, encoding="utf-8")
    assert say(capsys, "run", str(room / "модель один.mdl"), "--out", str(out))[0] == 0
    assert out.read_text(encoding="utf-8").count("\n") == 4


def test_a_name_that_is_no_text_is_refused(room, capsys):
    code, _, err = say(capsys, "run", os.fsdecode("модель.mdl".encode("cp1251")))
    assert code == 2
    assert err.startswith("`\\udcec\\udcee")
    assert "Rename the file" in err


# ---- streams and locales


def start(room: Path, *arguments: str, **options) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **options.pop("env", {})}
    return subprocess.Popen([*COMMAND, *arguments], cwd=room, env=environment, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LANG": "ru_RU.UTF-8"}])
def test_the_bytes_written_do_not_depend_on_the_locale(room, environment):
    process = start(room, "run", "модель один.mdl", "--lang", "ru", "--dt", "3", "--saveper", "3",
                    stdout=subprocess.PIPE, env=environment)  # fmt: skip
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith(b"time,S,inflow,outflow,k,residence time,")
    assert "Замечание: dt = 3 не делит срок нацело: последний момент 9, а не 10" in err.decode()


def test_a_russian_locale_speaks_russian_and_c_english(room):
    for environment, said in (({"LC_ALL": "", "LANG": "ru_RU.UTF-8"}, "Такого файла нет. Ожидается путь"),
                              ({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}, "There is no such file.")):  # fmt: skip
        process = start(room, "run", "нет.mdl", stdout=subprocess.PIPE, env=environment)
        assert said in process.communicate(timeout=60)[1].decode()
        assert process.returncode == 3


@POSIX
def test_a_closed_pipe_a_closed_output_and_a_full_disk_give_no_traceback(room):
    run = shlex.join([*COMMAND, "run", "R3", "--stop", "2005"])
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    for tail, code in (
        (" | head -n 1", 0),
        (" >&-", 0),
        *(((" > /dev/full", 1),) if Path("/dev/full").exists() else ()),
    ):
        done = subprocess.run(["bash", "-o", "pipefail", "-c", run + tail], cwd=room, env=environment,
                              capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr
        assert "unexpectedly" not in done.stderr
        if code:
            assert done.stderr == "The work was stopped by the system: No space left on device.\n"


@POSIX
def test_devices_pipes_and_links_are_written_to_and_never_replaced(room, capsys):
    source = str(room / "модель один.mdl")
    assert not Path("/dev/full").is_file()
    if Path("/dev/full").exists():
        code, out, err = say(capsys, "export", source, "--format", "mdl", "--out", "/dev/full")
        assert (code, out) == (2, "") and "No space left on device" in err
        assert not Path("/dev/full").is_file()
    os.mkfifo("pipe")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE)
    assert say(capsys, "export", source, "--format", "mdl", "--out", "pipe")[0] == 0
    assert reader.communicate(timeout=30)[0].startswith(b"{UTF-8}")
    Path("real.csv").write_text("old", encoding="utf-8")
    Path("link.csv").symlink_to("real.csv")
    assert say(capsys, "run", source, "--out", "link.csv")[0] == 0
    assert Path("link.csv").is_symlink() and Path("real.csv").read_text(encoding="utf-8").startswith("time,S,")


def test_a_home_that_does_not_exist_is_no_obstacle(room):
    process = start(room, "run", "R1", "--stop", "2001", stdout=subprocess.PIPE,
                    env={"HOME": str(room / "nowhere"), "XDG_CACHE_HOME": str(room / "nowhere")})  # fmt: skip
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.count(b"\n") == 3


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_study_leaves_nothing_and_the_earlier_results_alone(room, number):
    earlier = room / "out"
    earlier.mkdir()
    (earlier / "manifest.json").write_text("{}", encoding="utf-8")
    process = start(room, "study", "--quick", "--out", "out", stdout=subprocess.PIPE, start_new_session=True,
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))  # fmt: skip
    deadline = time.monotonic() + 30
    while not list(room.glob("out.part-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    process.send_signal(number)
    err = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 130, err
    assert err.endswith("Interrupted. Nothing half-written was left behind.\n")
    assert sorted(path.name for path in room.iterdir()) == ["out", "модель один.mdl"]
    assert (earlier / "manifest.json").read_text(encoding="utf-8") == "{}"
