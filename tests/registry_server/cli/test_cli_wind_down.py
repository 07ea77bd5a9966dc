"""The commands by which a registry ends: what each reports, in words and for programs, and what it leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from client_sdk.kernel.formats.words import ClosingWay
from client_sdk.kernel.rules.errors import RuleError
from registry_server.cli.main import app
from registry_server.operating.wind_down import WindDownError
from registry_server.operating.wind_down.exporting import verify_export
from tests.support.closing_home import SUCCESSOR, ClosingHome
from tests.support.handmade_log import REGISTRY
from tests.support.registry_world import accept

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str | Path, code: int = 0) -> str:
    """Run a command in this process; return what it wrote to standard output."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
    return done.stdout


def test_a_folder_that_is_not_there_is_no_unfinished_export(tmp_path: Path) -> None:
    with pytest.raises(WindDownError, match="is not there, or no folder: name the one"):
        verify_export(tmp_path / "exprot")
    with pytest.raises(WindDownError, match="the export is not finished"):
        verify_export(tmp_path)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_registry_is_ended_by_its_commands(database_url: str, tmp_path: Path) -> None:
    closing = ClosingHome(tmp_path, database_url)
    with closing.ledger() as ledger:
        accept(ledger, closing.world.report("lender-1", "one"))
        closing.close(ledger, ClosingWay.HAND_OVER)
    export, receipt, home = tmp_path / "export", tmp_path / "receipt", closing.home
    # By this machine's clock the day of the act is long over; nothing vouches for it before an operator does.
    run("clock", "confirm", "--home", home)
    written = json.loads(run("wind-down", "export", "--home", home, export, "--json"))
    assert (written["registry"], written["rows"]["live_records"]) == (REGISTRY, 1)
    assert (
        run("wind-down", "verify", export).splitlines()[-1]
        == written["fingerprint"]
        == closing.trust_root().fingerprint
    )
    taking = ("wind-down", "take-over", "--home", closing.successor_home, export, "--receipt", receipt)
    assert str(receipt) in run(*taking)
    assert json.loads(run(*taking, "--json"))["manifest_sha256"] == written["manifest_sha256"]

    destroying = ("wind-down", "destroy", "--home", home, "--document", closing.document, "--receipt", receipt)
    # What could not be destroyed with --confirm is not offered without it.
    other = tmp_path / "other.pdf"
    other.write_text("another document")
    failed = CliRunner().invoke(app, [str(word) for word in (*destroying, "--document", other)])
    assert isinstance(failed.exception, RuleError)
    assert failed.exception.rule == "closing.document"
    assert "--confirm" not in failed.stdout
    told = run(*destroying, code=1)
    assert f"--confirm {REGISTRY}" in told
    assert (home / "log-key.pem").exists()
    report = json.loads(run(*destroying, "--confirm", REGISTRY, "--json"))
    assert (report["successor"], report["rows"]["records"]) == (SUCCESSOR, 1)
    assert set(report["keys"]) == {"log-key.pem", "ca/key.pem", "ca/certificate.pem"}
    again = run(*destroying, "--confirm", REGISTRY)
    assert f"export_manifest_sha256: {written['manifest_sha256']}" in again
    for words in (["fsck"], ["doctor"], ["register", "show"], ["wind-down", "export", str(tmp_path / "late")]):
        done = CliRunner().invoke(app, [*words, "--home", str(home)])
        assert "destruction-plan.json: this registry was destroyed: see" in str(done.exception), words
