"""Each finding, by a registry that commits exactly that lie with its own keys and is audited over gRPC."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import client_sdk
from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.report import as_html, as_text
from client_sdk.auditing.source import RegistrySource
from client_sdk.kernel.formats.act import InstitutionBody
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.leaf import HeadLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import KeyUsage, Role, Standing
from client_sdk.kernel.ledger.examination import LiveBinding, check_log
from client_sdk.kernel.ledger.findings import MEANINGS, OF_REASON, OF_REASON_IN_ACTS, FindingId
from client_sdk.kernel.rules.errors import RuleReason
from tests.support.batch_signer import BatchSigner
from tests.support.handmade_log import HandmadeLog, record_id
from tests.support.lies import LIES, Lie, honest_log
from tests.support.transparency_server import HandmadeRegistry, serve

if TYPE_CHECKING:
    from client_sdk.auditing.report import AuditReport

# A reason that the kernel gives, as it stands in the source: in a refusal, by keyword, or as a member of RuleReason.
_REASON = re.compile(r"""(?:_refuse\(|reason=|RuleError\()\s*"([A-Z_]+)"|RuleReason\.([A-Z_]+)""")


def ids(report: AuditReport) -> Counter[FindingId]:
    return Counter(found.finding.id for found in report.findings)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an auditor keeps of a log that was honest until then."""
    log, folder = honest_log(), tmp_path_factory.mktemp("audited") / "audit"
    with serve(HandmadeRegistry(log)) as channel:
        honest = audit(RegistrySource(channel), AuditHome(folder), log.trust_root, now_ms=log.logged_at)
    assert honest.clean, [str(found.finding) for found in honest.findings]
    assert honest.exit_code == 0
    return folder


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_is_found_and_nothing_else(lie: Lie, audited: Path, tmp_path: Path) -> None:
    log = honest_log()
    registry = HandmadeRegistry(log)
    # Almost nothing of what grows with the log is kept in memory; ``check_log`` keeps all of it there.
    home = AuditHome(shutil.copytree(audited, tmp_path / "audit"), hot_entries=2)
    with serve(registry) as channel:
        lie.commit(log, registry)
        report = audit(RegistrySource(channel), home, log.trust_root, now_ms=log.logged_at)
    assert set(ids(report)) == lie.found, [str(found.finding) for found in report.findings]
    assert report.exit_code == 1
    assert report.new == len(report.findings)
    _assert_names_no_person(report, log)


def test_nothing_is_found_of_records_that_are_signed_in_batches(tmp_path: Path) -> None:
    log = honest_log()
    for place in range(5):
        log.say("lender-1", f"judged {place}", by=BatchSigner("lender-1 REPORT", place=place))
    log.head()
    log.erase(RecordKey("lender-1", record_id("judged 2")))
    log.say("lender-1", "judged 3", Standing.CURED)
    log.head()
    with serve(HandmadeRegistry(log)) as channel:
        report = audit(RegistrySource(channel), AuditHome(tmp_path / "a"), log.trust_root, now_ms=log.logged_at)
    assert report.clean, [str(found.finding) for found in report.findings]


def _assert_names_no_person(report: AuditReport, log: HandmadeLog) -> None:
    text = as_text(report) + json.dumps(report.to_dict()) + as_html(report) + repr(report)
    for subject, opening, _ in log.secrets.values():
        assert subject.hex() not in text
        assert opening.hex() not in text
        assert repr(opening)[2:-1] not in text


def test_every_finding_has_a_lie() -> None:
    committed = set(chain.from_iterable(lie.found for lie in LIES))
    # The genesis is the trust root's business, and has its own test.
    assert committed | {FindingId.GENESIS} == set(FindingId)


def test_every_finding_is_explained() -> None:
    assert set(MEANINGS) == set(FindingId)


def test_a_log_with_another_genesis_is_found(tmp_path: Path) -> None:
    log, other = honest_log(), HandmadeLog(administrators=("admin-7", "admin-8", "admin-9"))
    with serve(HandmadeRegistry(log)) as channel:
        report = audit(RegistrySource(channel), AuditHome(tmp_path), other.trust_root, now_ms=log.logged_at)
    assert set(ids(report)) == {FindingId.GENESIS}
    assert report.exit_code == 1


def test_a_log_that_begins_with_no_act_means_nothing() -> None:
    log = honest_log()
    findings = check_log(
        log.leaves[1:], [], parse_checkpoint(log.checkpoint(), log.trust_root.log_key).checkpoint, log.inquiries
    )
    assert findings.counts[FindingId.ACT_ORDER] == 1
    assert findings.counts[FindingId.CHECKPOINT] == 1


def test_a_head_must_be_leaf_1() -> None:
    log = HandmadeLog(lenders=())
    del log.leaves[1:]
    log.state = log._replay()
    log.act(InstitutionBody(log.enrolment("early", (Role.LENDER,), KeyUsage.REPORT)))
    log.head()
    checkpoint = parse_checkpoint(log.checkpoint(), log.trust_root.log_key).checkpoint
    findings = check_log(log.leaves, [], checkpoint, [], genesis=log.trust_root.genesis)
    assert set(findings.counts) == {FindingId.HEAD_PLACE}


def test_an_honest_log_is_clean_in_one_call() -> None:
    log = honest_log()
    checkpoint = parse_checkpoint(log.checkpoint(), log.trust_root.log_key).checkpoint
    bindings = [LiveBinding(*item) for item in log.bindings()]
    findings = check_log(log.leaves, bindings, checkpoint, log.inquiries, genesis=log.trust_root.genesis)
    assert not findings.kept()


def test_bits_of_every_leaf_are_held_to() -> None:
    """Whatever bit the registry flips, the checkpoint does not fit; and most flips are found as what they are."""
    log = honest_log()
    checkpoint = parse_checkpoint(log.checkpoint(), log.trust_root.log_key).checkpoint
    bindings = [LiveBinding(*item) for item in log.bindings()]
    for index, leaf in enumerate(log.leaves):
        for at in range(index % 5, len(leaf), 31):
            flipped = leaf[:at] + bytes((leaf[at] ^ 1,)) + leaf[at + 1 :]
            leaves = [*log.leaves[:index], flipped, *log.leaves[index + 1 :]]
            findings = check_log(leaves, bindings, checkpoint, log.inquiries, genesis=log.trust_root.genesis)
            assert findings.counts[FindingId.CHECKPOINT] == 1
            parsed = index and isinstance(parse_leaf(leaf), StatementLeaf | HeadLeaf)
            if parsed and not 2 <= at < 10:  # logged_at alone may change without another trace
                assert len(findings) > 1, (index, at)


def test_every_reason_of_the_ledger_has_a_finding() -> None:
    kernel = Path(client_sdk.__file__).parent / "kernel"
    reasons: set[str] = set()
    for path in [*(kernel / "ledger").glob("*.py"), kernel / "rules" / "lifecycle.py", kernel / "rules" / "dates.py"]:
        for literal, member in _REASON.findall(path.read_text()):
            reasons.add(literal or RuleReason[member])
    assert len(reasons) > 30
    assert reasons - OF_REASON.keys() == set()
    assert OF_REASON.keys() - reasons == set()
    assert OF_REASON_IN_ACTS.keys() <= OF_REASON.keys()
