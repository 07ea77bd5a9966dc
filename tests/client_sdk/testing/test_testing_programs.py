"""Programs on this machine: as if they had been typed, told when they fail, and none left running."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from client_sdk import __version__
from client_sdk.errors import ConfigError
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.testing import forking, ports
from client_sdk.testing.ports import free_port, listens
from client_sdk.testing.programs import Programs, Server
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
# A program that listens and says by a file that it was asked to stop.
LISTENER = """
import signal, socket, sys
from pathlib import Path
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("here", flush=True)
signal.sigwait({signal.SIGTERM})
Path(sys.argv[2]).write_text("stopped")
"""


def listener(folder: Path, name: str, script: str = LISTENER) -> Server:
    port = free_port()
    return Server(name, [sys.executable, "-c", script, str(port), str(folder / f"{name}.stopped")], port)


def test_the_programs_are_those_that_are_installed() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == forking.PROGRAMS


def test_a_command_gives_its_output(tmp_path: Path) -> None:
    assert Programs(tmp_path).run(["credit-registry", "--version"]) == f"credit-registry {__version__}\n"


def test_a_command_runs_in_its_folder(tmp_path: Path) -> None:
    command = ["subject-key-service", "init", "--home", "service", "--name", "service", "--url", "127.0.0.1:7501"]
    assert "service/service.key-service.json" in Programs(tmp_path).run(command)
    assert (tmp_path / "service" / "service.key-service.json").exists()


def test_a_command_has_the_environment_that_it_was_given(tmp_path: Path) -> None:
    shown = "import json, os, sys; print(json.dumps([os.environ.get('ASKED'), os.getcwd(), sys.stdin.read()]))"
    said = Programs(tmp_path, {"ASKED": "for"}).run([sys.executable, "-c", shown])
    assert json.loads(said) == ["for", str(tmp_path), ""]


def test_a_program_of_the_registry_may_live_in_the_past(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    made = []
    for name, programs.behind in (("then", timedelta(weeks=5)), ("now", timedelta())):
        who = ("--institution", name, "--name", name, "--licence", "L-1", "--role", "LENDER")
        where = ("--registry", "127.0.0.1:7443", "--registry-name", "demo")
        programs.run(("credit-registry", "--home", name, "init", *who, *where))
        file = EnrolmentFile.parse((tmp_path / name / f"{name}.enrolment.json").read_bytes())
        made.append(timedelta(milliseconds=file.vouch.claim.issued_at))
    assert timedelta(weeks=5) <= made[1] - made[0] < timedelta(weeks=5, hours=1)


def test_a_command_that_fails_says_how(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)verify missing\.evidence.*ended with 2, not 0.*there is no file"):
        Programs(tmp_path).run(["credit-registry", "verify", "missing.evidence", "--trust-root", "missing"])


def test_a_command_may_be_meant_to_fail(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    assert programs.run(["registry-server", "fsck", "--home", "nowhere"], expected=2) == ""
    with pytest.raises(ConfigError, match="ended with 0, not 2"):
        programs.run(["registry-server", "version"], expected=2)


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)no-such-program\nended with 1, .*: No such file"):
        Programs(tmp_path).run(["no-such-program"])


def test_many_run_side_by_side_and_each_has_its_own_output(tmp_path: Path) -> None:
    commands = [("registry-server", "version"), ("credit-registry", "--version")] * 6
    programs = Programs(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(programs.run, commands))
    assert said == [f"{__version__}\n", f"credit-registry {__version__}\n"] * 6
    assert programs.run_all(commands) == said


def test_servers_are_stopped_when_the_block_ends(tmp_path: Path) -> None:
    with Programs(tmp_path) as programs:
        programs.start(listener(tmp_path, "one"), listener(tmp_path, "two"))
        programs.check()
    assert [(tmp_path / f"{name}.stopped").read_text() for name in ("one", "two")] == ["stopped", "stopped"]
    assert (tmp_path / "one.log").read_text() == "here\n"


def test_servers_are_stopped_when_something_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with Programs(tmp_path) as programs:
            programs.start(listener(tmp_path, "one"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (tmp_path / "one.stopped").read_text() == "stopped"


def test_a_server_is_killed_and_started_again(tmp_path: Path) -> None:
    server = listener(tmp_path, "one")
    with Programs(tmp_path) as programs:
        programs.start(server)
        with pytest.raises(ConfigError, match="one is running already"):
            programs.start(server)
        first = programs.pid("one")
        assert programs.stop("one", by=signal.SIGKILL) == [-signal.SIGKILL]
        assert not listens(server.port)
        assert not (tmp_path / "one.stopped").exists()
        programs.start(server)
        assert programs.pid("one") != first
    programs.stop("one")


def test_a_server_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    server = Server("one", [sys.executable, "-c", "print('cannot do it'); raise SystemExit(7)"], free_port())
    with Programs(tmp_path) as programs, pytest.raises(ConfigError, match=r"(?s)one ended with 7.*one\.log.*cannot"):
        programs.start(server)


def test_a_server_that_ends_later_is_noticed(tmp_path: Path) -> None:
    server = listener(tmp_path, "one", LISTENER.replace("signal.sigwait({signal.SIGTERM})", "listener.accept()[0]"))

    def start_and_wait(programs: Programs) -> None:
        programs.start(server)
        programs.wait()

    # It takes the first connection, which is made to see whether it listens, and ends.
    with Programs(tmp_path) as programs, pytest.raises(ConfigError, match="one ended with 0"):
        start_and_wait(programs)


def test_a_server_does_not_count_as_started_where_another_program_listens(tmp_path: Path) -> None:
    server = listener(tmp_path, "one")
    with socket.create_server(("127.0.0.1", server.port)), Programs(tmp_path) as programs:
        with pytest.raises(ConfigError, match=f"one cannot listen on port {server.port}.*another program"):
            programs.start(server)
        programs.check()


def test_a_server_outlives_no_process_that_started_it(tmp_path: Path) -> None:
    server = listener(tmp_path, "one")
    program = (
        "import os, sys; from pathlib import Path; from client_sdk.testing.programs import Programs, Server\n"
        "Programs(Path(sys.argv[1])).start(Server('one', sys.argv[3:], int(sys.argv[2])))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path), str(server.port), *server.command]
    done = subprocess.run(command, check=False, cwd=ROOT, timeout=300)
    assert done.returncode == -signal.SIGKILL
    wait_until(lambda: (tmp_path / "one.stopped").exists() and not listens(server.port))


def test_a_server_ends_with_the_process_that_has_loaded_the_programs(tmp_path: Path) -> None:
    server = listener(tmp_path, "one")
    program = (
        "import sys; from pathlib import Path; from client_sdk.testing.programs import Programs, Server\n"
        "from client_sdk.testing.loader import loader\n"
        "Programs(Path(sys.argv[1])).start(Server('one', sys.argv[3:], int(sys.argv[2])))\n"
        "loader()._process.kill()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path), str(server.port), *server.command]
    subprocess.run(command, check=True, cwd=ROOT, timeout=300)
    wait_until(lambda: (tmp_path / "one.stopped").exists() and not listens(server.port))


def test_programs_that_cannot_be_loaded_are_told(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from client_sdk.errors import ConfigError\n"
        "from client_sdk.testing.programs import Programs\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "try: Programs(Path(sys.argv[1])).run(['registry-server', 'version'])\n"
        "except ConfigError as error: print(error)\n"
    )
    (tmp_path / "sqlalchemy.py").write_text("raise RuntimeError('not whole')")
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert "cannot be loaded" in done.stdout
    assert "RuntimeError: not whole" in done.stdout


def test_a_process_that_is_forked_from_ours_leaves_its_programs_alone(tmp_path: Path) -> None:
    server = listener(tmp_path, "one")
    program = (
        "import os, sys; from pathlib import Path; from client_sdk.testing.programs import Programs, Server\n"
        "with Programs(Path(sys.argv[1])) as programs:\n"
        "    programs.start(Server('one', sys.argv[3:], int(sys.argv[2])))\n"
        "    child = os.fork()\n"
        "    if not child: sys.exit()\n"
        "    os.waitpid(child, 0)\n"
        "    print(programs.run(['registry-server', 'version']))\n"
    )
    # The child leaves the block too: its copy of the programs must do nothing.
    command = [sys.executable, "-W", "ignore", "-c", program, str(tmp_path), str(server.port), *server.command]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.stdout.strip() == __version__


def test_a_free_port_is_none_that_something_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        assert listens(port)
    assert not listens(port)
    assert not listens(free_port())


def test_no_two_are_given_the_same_free_port() -> None:
    drawn = [free_port() for _ in range(100)]
    assert len(set(drawn)) == len(drawn)


def test_a_port_that_another_program_was_given_is_not_given_here(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from client_sdk.testing.ports import free_port; print(free_port(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout is not None
        taken = int(other.stdout.readline())
        monkeypatch.setattr(ports, "_PORTS", range(taken, taken + 1))
        with pytest.raises(ConfigError, match="no port"):
            free_port()
        other.communicate("\n", timeout=60)
    # It is free again once that program has ended.
    assert free_port() == taken


def test_a_program_draws_more_ports_than_it_may_have_files_open() -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    code = f"from client_sdk.testing.ports import free_port; {limit}; print(len({{free_port() for _ in range(200)}}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=300)
    assert (done.stdout.strip(), done.stderr) == ("200", "")
