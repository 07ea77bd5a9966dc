"""Which findings keep an auditor from cosigning, until when, and how a person accepts one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.auditing.accepting import accept_findings
from client_sdk.auditing.audit import audit
from client_sdk.auditing.cosigning import cosign_audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.report import as_html, as_text
from client_sdk.auditing.silencing import is_acceptable, silences, tells_against
from client_sdk.auditing.source import RegistrySource
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.findings import Finding, FindingId
from client_sdk.kernel.ledger.head_time import AHEAD
from tests.support.handmade_log import signer
from tests.support.lies import LIES, Forger, Lie, honest_log
from tests.support.transparency_server import HandmadeRegistry, serve

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.auditing.home import AuditFinding
    from client_sdk.auditing.report import AuditReport

NAME, OWN = "example/auditor/replay", signer("auditor replay")
REASON = "The registry told us of it on 2026-05-04, and repaired it."
BESIDE = {FindingId.BINDING_DEAD, FindingId.CONSENT, FindingId.INQUIRY, FindingId.RETENTION, FindingId.STATISTICS}


class Office:
    """An auditor of a handmade registry, and the person there."""

    def __init__(self, folder: Path) -> None:
        self.log = honest_log()
        self.registry = HandmadeRegistry(self.log)
        self.home = AuditHome(folder)

    def audit(self, *, clock: int = 0) -> AuditReport:
        with serve(self.registry) as channel:
            source = RegistrySource(channel)
            return audit(source, self.home, self.log.trust_root, now_ms=self.log.logged_at + clock)

    @property
    def cosigned(self) -> int:
        made = cosign_audit(self.home, self.log.trust_root, NAME, OWN)
        return 0 if made is None else made.size

    def found(self) -> tuple[AuditFinding, ...]:
        return self.home.load()[1]

    def accept(self, *references: str, reason: str = REASON) -> tuple[AuditFinding, ...]:
        named = references or tuple(item.reference for item in self.found())
        return accept_findings(self.home, self.log.trust_root, named, reason, self.log.logged_at)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an auditor keeps of a log that was honest until then."""
    folder = tmp_path_factory.mktemp("audited") / "audit"
    assert Office(folder).audit().clean
    return folder


@pytest.fixture
def office(audited: Path, tmp_path: Path) -> Office:
    return Office(shutil.copytree(audited, tmp_path / "audit"))


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_about_the_log_silences_and_what_is_beside_it_does_not(lie: Lie, office: Office) -> None:
    assert office.cosigned == len(office.log.leaves)
    lie.commit(office.log, office.registry)
    report = office.audit()
    against = {item.reference for item in report.findings if tells_against(item.finding) or item.finding.rule == AHEAD}
    assert {item.finding.id for item in report.findings if item.reference not in against} <= {
        *BESIDE,
        FindingId.TIME,
    }
    assert set(report.silencing) == against
    assert office.cosigned == (0 if against else report.size)
    # Accepting what can be accepted ends the silence, but for what the newest HEAD still is.
    if all(is_acceptable(item.finding) for item in report.findings):
        office.accept()
        again = office.audit()
        position, found = office.home.load()
        assert bool(office.cosigned) is not any(silences(item, position) for item in found)
        assert again.exit_code == (1 if again.new else 0)


def test_what_was_explained_silences_no_more_and_stands_in_every_report(office: Office) -> None:
    office.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    office.log.head()
    report = office.audit()
    (found,) = report.findings
    assert (report.exit_code, report.silencing, office.cosigned) == (1, (found.reference,), 0)
    assert f"  {found.reference}  SIGNATURE at leaf" in as_text(report)
    (accepted,) = office.accept(found.reference)
    assert accepted.finding == found.finding
    assert office.cosigned == len(office.log.leaves)
    office.log.say("lender-1", "running")
    office.log.head()
    after = office.audit()
    assert (after.exit_code, after.accepted, after.clean) == (0, 1, False)
    assert office.cosigned == after.size == len(office.log.leaves)
    for shown in (as_text(after), as_html(after), json.dumps(after.to_dict())):
        assert REASON in shown
        assert found.reference in shown
    assert "1 finding, 0 of them new, 1 accepted." in as_text(after)
    # Another one is not covered by it.
    office.log.say("lender-1", "newer", by=Forger("lender-1 REPORT"))
    office.log.head()
    assert office.audit().exit_code == 1
    assert office.cosigned == 0


def test_what_the_newest_head_still_is_silences_though_it_was_accepted(office: Office) -> None:
    office.log.head(map_root=bytes(32))
    office.audit()
    assert office.cosigned == 0
    office.accept()
    assert office.cosigned == 0
    # The same HEAD, looked at again, and a newer one that is wrong likewise.
    assert office.audit().new == 0
    assert office.cosigned == 0
    office.log.head(map_root=bytes(32))
    office.audit()
    office.accept()
    assert office.cosigned == 0
    # The registry has repaired it: a whole audit finds nothing, and the old findings are accepted.
    office.log.say("lender-1", "running")
    office.log.head()
    assert office.audit().new == 0
    assert office.cosigned == len(office.log.leaves)


def test_a_log_that_split_is_never_cosigned_again(office: Office) -> None:
    before = office.cosigned
    office.log.leaves = office.log.leaves[:-1]
    office.log.state = office.log._replay()
    office.log.say("lender-2", "another", Standing.OPEN)
    office.log.head()
    report = office.audit()
    assert {item.finding.id for item in report.findings} <= {FindingId.FORK, FindingId.ROLLBACK}
    assert (before > 0, office.cosigned) == (True, 0)
    forks = [item.reference for item in report.findings if item.finding.id is FindingId.FORK]
    assert forks
    with pytest.raises(ConfigError, match="FORK is never accepted"):
        office.accept(*forks)
    assert office.cosigned == 0


def test_an_old_head_is_found_and_silences_nobody(office: Office) -> None:
    report = office.audit(clock=3_600_000)
    assert {item.finding.id for item in report.findings} == {FindingId.TIME}
    assert (report.exit_code, report.silencing) == (1, ())
    assert office.cosigned == report.size


def test_a_head_of_the_future_silences_for_as_long_as_it_is_one(office: Office) -> None:
    report = office.audit(clock=-3_600_000)
    (found,) = report.findings
    assert found.finding.id is FindingId.TIME
    assert (report.exit_code, report.silencing, office.cosigned) == (1, (found.reference,), 0)
    office.accept()
    assert office.cosigned == 0
    again = office.audit()
    assert (again.silencing, office.cosigned) == ((), again.size)


def test_findings_beyond_those_that_are_kept_cannot_be_accepted_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client_sdk.auditing.audit.MAX_KEPT", 1)
    for name in ("new", "newer"):
        office.log.say("lender-1", name, by=Forger("lender-1 REPORT"))
    office.log.head()
    office.audit()
    assert len(office.found()) == 1
    office.accept()
    assert office.cosigned == 0


def test_findings_about_clocks_fill_no_disk(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client_sdk.auditing.audit.MAX_KEPT", 2)
    for hours in range(1, 6):
        office.audit(clock=hours * 3_600_000)
    assert len(office.found()) == 2
    assert office.cosigned == len(office.log.leaves)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\nb", "a\u202eb", 5, None])
def test_a_reason_is_text_that_shows_something(office: Office, reason: str) -> None:
    office.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    office.log.head()
    office.audit()
    with pytest.raises(ConfigError, match="reason"):
        office.accept(reason=reason)
    assert office.cosigned == 0


def test_findings_are_accepted_all_or_none_and_in_their_own_folder(office: Office) -> None:
    office.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    office.log.head()
    office.audit()
    (found,) = office.found()
    for references in ((found.reference, "0123456789ab"), (found.reference[:6],), ("",)):
        with pytest.raises(ConfigError, match="has none of this reference"):
            office.accept(*references)
    for odd in ([], "abc", [5], None):
        with pytest.raises(ConfigError, match="references"):
            accept_findings(office.home, office.log.trust_root, odd, REASON, 0)  # type: ignore[arg-type]  # meant
    other = replace(office.log.trust_root, genesis=bytes(32))
    with pytest.raises(ConfigError, match="another registry"):
        accept_findings(office.home, other, [found.reference], REASON, 0)
    with office.home.lock(), pytest.raises(ConfigError, match="another audit is running"):
        office.accept()
    assert office.found() == (found,)


def test_a_reference_follows_from_what_is_wrong_alone(office: Office) -> None:
    office.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    office.log.head()
    (found,) = office.audit().findings
    assert found.reference == found._replace(size=1, audit=99).reference
    other = Finding.of(FindingId.SIGNATURE, 1, "signature", "signature.invalid")
    assert found._replace(finding=other).reference != found.reference
    assert len(found.reference) == 12


@pytest.mark.parametrize("change", [{"accepted": 5}, {"accepted": {"reason": 1, "at": 2}}, {"audit": "x"}])
def test_a_damaged_acceptance_is_refused(office: Office, change: dict[str, object], tmp_path: Path) -> None:
    office.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    office.log.head()
    office.audit()
    file = tmp_path / "audit" / "audit.json"
    content = json.loads(file.read_text())
    content["findings"][0] |= change
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="damaged"):
        assert office.cosigned
