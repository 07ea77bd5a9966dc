"""Failures outside of the command: a server that is away, an interrupt, a terminal, a full pipe."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from client_sdk import Client
from client_sdk.cli.ui.criteria_input import read_criteria
from client_sdk.cli.ui.failures import UsageError
from client_sdk.clock import clock_ms
from client_sdk.lending.files import write_portfolio
from client_sdk.signing import create_certificate_request
from registry_server.certificates.authority import CertificateAuthority
from tests.client_sdk.cli.command_samples import ASKING, DIGEST, id_number, report_words
from tests.client_sdk.sdk_samples import default_report
from tests.support.command import Command
from tests.support.tls import Authority
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.testing import TestRegistry

PROGRAM = str(Path(sys.executable).with_name("credit-registry"))
ROWS = 2_000
INTERRUPTS = 5
HEADS = 5
SILENCE_SECONDS = 60


@contextmanager
def away(registry: TestRegistry, program: str) -> Iterator[None]:
    """Stop a program while the block lasts."""
    registry.stop(program)
    try:
        yield
    finally:
        if program == "registry":
            registry.start_registry()
        else:
            registry.start_key_service(program)


@pytest.fixture
def hasty(lender: Command) -> Iterator[Command]:
    """A lender who waits for two seconds only."""
    settings = lender.home / "config.toml"
    before = settings.read_text()
    settings.write_text(before + "\n[limits]\ndeadline = 2\n")
    yield lender
    settings.write_text(before)


def test_where_nobody_answers_the_address_is_named(registry: TestRegistry, hasty: Command) -> None:
    with away(registry, "registry"):
        for words in (("status",), ("records",), ("act", "show")):
            error = hasty(*words, code=3).content["error"]
            assert registry.address in error["message"]
            assert error["hint"]
    assert hasty("status", code=None).content["state"] == "ACTIVE"


def test_a_key_service_that_is_away_is_named(registry: TestRegistry, hasty: Command, number: int) -> None:
    with away(registry, "key-service-a"):
        told = hasty("status", code=3).content
        [missing] = [service["url"] for service in told["key_services"] if not service["reachable"]]
        error = hasty(*report_words(number), "--yes", given=id_number(number), code=3).content["error"]
        assert error["service"] == missing
        assert id_number(number) not in str(error)


@pytest.fixture
def spare(registry: TestRegistry, tmp_path: Path) -> Command:
    """A copy of a lender's home, to be spoilt."""
    return Command(shutil.copytree(registry.home("lender-1"), tmp_path / "lender-1"))


@pytest.mark.parametrize("verb", [("status",), ("records",), ("certificate", "renew"), ("audit",)], ids=" ".join)
def test_an_expired_certificate_is_told_before_anybody_is_called(spare: Command, verb: tuple[str, ...]) -> None:
    expired = Authority().member("lender-1", lifetime=timedelta(days=-3))
    for name, pem in (("certificate", expired.certificate), ("key", expired.key)):
        (spare.home / "tls" / f"{name}.pem").write_bytes(pem)
    # A process of its own: gRPC writes to the descriptor of standard error, past Python.
    words = [PROGRAM, "--home", str(spare.home), *verb]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    day = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}"
    told, advice = ended.stderr.splitlines()
    assert ended.returncode == 5
    assert told.startswith(f"CONFIG: TLS: certificate.pem: expired on {day}, and this machine's clock shows 20")
    assert told.endswith(" UTC; too late to renew it")
    assert advice.startswith("What to do: check this machine's clock first (NTP)")
    assert "administrator" in advice


def test_an_expired_certificate_is_replaced_by_a_new_one(
    registry: TestRegistry, member: Callable[[str], Command], spare: Command, tmp_path: Path
) -> None:
    authority = CertificateAuthority.load(registry.registry_home / "ca")
    request = create_certificate_request((spare.home / "tls" / "key.pem").read_bytes(), "lender-1")
    long_ago = clock_ms() - 2 * 365 * 86_400_000
    expired = authority.issue_for_institution(request, "lender-1", long_ago)
    (spare.home / "tls" / "certificate.pem").write_bytes(expired)
    assert spare("certificate", "renew", code=5).reason == "CONFIG"
    enrolment, issued = str(spare.home / "lender-1.enrolment.json"), str(tmp_path / "lender-1.pem")
    member("admin-1")("certificate", "issue", "--enrolment", enrolment, "--out", issued)
    spare("certificate", "install", issued)
    assert spare("certificate", "renew").content["not_after"] > datetime.now(UTC).isoformat()


def put(registry: TestRegistry, spare: Command, institution: str, *names: str) -> None:
    """Put files of another member's home into that of a lender."""
    for name in names:
        (spare.home / name).write_bytes((registry.home(institution) / name).read_bytes())


@pytest.mark.parametrize(
    ("institution", "names", "reason"),
    [
        ("lender-2", ("keys/report.pem", "keys/inquire.pem"), "KEY_OF_ANOTHER"),
        ("lender-2", ("tls/certificate.pem", "tls/key.pem"), "PEER_MISMATCH"),
    ],
    ids=["key", "certificate"],
)
def test_what_another_member_owns_is_looked_for_in_the_home(
    registry: TestRegistry, spare: Command, number: int, institution: str, names: tuple[str, ...], reason: str
) -> None:
    put(registry, spare, institution, *names)
    for words in ((*report_words(number), "--yes"), ASKING):
        error = spare(*words, given=id_number(number), code=1).content["error"]
        assert error["reason"] == reason
        assert "in this home" in error["hint"]


def test_a_key_of_another_usage_is_looked_for_in_the_home(spare: Command, number: int) -> None:
    report, inquire = (spare.home / "keys" / f"{usage}.pem" for usage in ("report", "inquire"))
    first, second = report.read_bytes(), inquire.read_bytes()
    report.write_bytes(second)
    inquire.write_bytes(first)
    for words in ((*report_words(number), "--yes"), ASKING):
        error = spare(*words, given=id_number(number), code=1).content["error"]
        assert error["reason"] == "KEY_USAGE"
        assert "this home's config.toml" in error["hint"]


def test_status_says_that_a_certificate_is_another_members(registry: TestRegistry, spare: Command) -> None:
    put(registry, spare, "lender-2", "tls/certificate.pem", "tls/key.pem")
    error = spare("status", code=5).content["error"]
    assert error["reason"] == "CONFIG"
    assert error["message"] == "TLS: certificate.pem: it is for lender-2, but this home is that of lender-1"
    assert "certificate install" in error["hint"]


def test_status_says_that_a_certificate_names_no_member(spare: Command) -> None:
    nobody = Authority().server()
    for name, pem in (("certificate", nobody.certificate), ("key", nobody.key)):
        (spare.home / "tls" / f"{name}.pem").write_bytes(pem)
    assert "it is for no institution" in spare("status", code=5).content["error"]["message"]


def interrupted(lender: Command, file: Path) -> tuple[int, str]:
    """Report a portfolio, interrupt it once its first rows are logged, and return exit code and standard error."""
    words = [PROGRAM, "--home", str(lender.home), "report", str(file), "--yes"]
    # A client asks in milliseconds; a command would ask when all is over.
    with Client.from_home(lender.home) as client:
        before = client.status().size
        running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # A HEAD may come meanwhile, of which no row is the cause.
        wait_until(lambda: running.poll() is not None or client.status().size > before + HEADS)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    return running.returncode, err


def test_an_interrupted_portfolio_goes_on_where_it_ended(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    code, err = 0, ""
    # On a busy machine all rows may be logged before the signal is sent; then other rows are reported.
    for attempt in range(INTERRUPTS):
        first = 9_000 + attempt * ROWS
        write_portfolio(file, [default_report(first + place) for place in range(ROWS)])
        code, err = interrupted(lender, file)
        if code:
            break
    assert code == 130, err
    assert "INTERRUPTED" in err
    assert "Traceback" not in err
    told = lender("report", str(file), "--yes").content
    assert told["accepted"] + told["repeated"] == ROWS
    assert told["repeated"] > 0
    assert lender("report", str(file), "--yes").content["repeated"] == ROWS


def test_who_stops_reading_gets_no_traceback(lender: Command) -> None:
    words = [PROGRAM, "--home", str(lender.home), "report", "--columns"]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert "Traceback" not in ended.stderr


def in_terminal(words: list[str], typed: str) -> tuple[int, str]:
    """Run the program in a terminal of its own, type something, and return exit code and everything shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(words[0], words)  # noqa: S606 - no shell is wanted
    shown = b""
    waiting = typed.encode()
    while True:
        if not select.select([terminal], [], [], SILENCE_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)
            pytest.fail(f"nothing more came after: {shown.decode()}")
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        # The blank comes once the terminal echoes no more.
        if waiting and shown.endswith(b": "):
            line, _, waiting = waiting.partition(b"\n")
            os.write(terminal, line + b"\n")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_a_typed_number_is_not_shown(asker: Command, number: int) -> None:
    words = [PROGRAM, "--home", str(asker.home), *ASKING[: ASKING.index("--identity-file")]]
    code, shown = in_terminal(words, f"{id_number(number)}\n")
    assert code == 0, shown
    assert "CLEAR" in shown
    assert id_number(number) not in shown


def test_the_passphrase_of_an_encrypted_key_is_asked_for(asker: Command, number: int) -> None:
    path = asker.home / "keys" / "inquire.pem"
    before = path.read_bytes()
    key = load_pem_private_key(before, password=None)
    encryption = BestAvailableEncryption(b"open sesame")
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    try:
        assert asker(*ASKING, given=id_number(number), code=2).reason == "USAGE"
        words = [PROGRAM, "--home", str(asker.home), *ASKING[: ASKING.index("--identity-file")]]
        code, shown = in_terminal(words, f"{id_number(number)}\nopen sesame\n")
        assert code == 0, shown
        assert "open sesame" not in shown
        code, shown = in_terminal(words, f"{id_number(number)}\nwrong\n")
        assert code == 5
        assert "wrong passphrase" in shown
    finally:
        path.write_bytes(before)


def test_somebody_who_says_no_sends_nothing(lender: Command, asker: Command, number: int, tmp_path: Path) -> None:
    identity = tmp_path / "number.txt"
    identity.write_text(id_number(number))
    words = [PROGRAM, "--home", str(lender.home), *report_words(number)[:-1], str(identity)]
    code, shown = in_terminal(words, "n\n")
    assert "To be reported: DEFAULT" in shown
    assert "1,230.00 CNY" in shown
    assert code == 1
    assert "Nothing was done" in shown
    assert asker(*ASKING, given=id_number(number)).content["verdict"] == "CLEAR"
    code, shown = in_terminal(words, "y\n")
    assert code == 0, shown
    assert asker(*ASKING, given=id_number(number)).content["verdict"] == "LISTED"


def test_an_answer_in_a_terminal_is_not_cut_short(lender: Command, number: int) -> None:
    record = lender(*report_words(number), "--yes", given=id_number(number)).content["record_id"]
    _, shown = in_terminal([PROGRAM, "--home", str(lender.home), "records"], "")
    assert record in shown
    assert DIGEST not in shown


@pytest.mark.parametrize(
    ("off_seconds", "told", "bound"),
    [
        (240, "ahead of the registry's clock", "at most 1 min ahead"),
        (600, "ahead of the registry's newest HEAD", "at most 5 min ahead"),
        (-600, "behind the registry's newest HEAD", "at most 5 min behind"),
    ],
)
def test_a_clock_that_is_off_is_named_with_its_bound(
    registry: TestRegistry, number: int, off_seconds: int, told: str, bound: str
) -> None:
    program = (
        f"import time; now = time.time_ns; time.time_ns = lambda: now() + {off_seconds * 10**9}\n"
        "from client_sdk.cli import main; main()"
    )
    words = [sys.executable, "-c", program, "--home", str(registry.home("lender-2")), *ASKING]
    ended = subprocess.run(words, input=id_number(number), capture_output=True, text=True, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0, said
    for word in ("clock", told, bound):
        assert word in said
    assert id_number(number) not in said


@pytest.mark.parametrize(
    "content",
    [b"a = " + b"[" * 20_000 + b"]" * 20_000, b"min_days_past_due = " + b"9" * 5_000, b"\xff", b"#" * 2_000_000],
    ids=["lists in lists", "a number that is too long", "no UTF-8", "a file that is too long"],
)
def test_criteria_that_cannot_be_read_are_wrong_usage(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "criteria.toml"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        read_criteria(file)


def test_criteria_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "criteria.toml"
    file.write_bytes(b"\xef\xbb\xbfmin_days_past_due = 30")
    assert read_criteria(file).min_days_past_due == 30
