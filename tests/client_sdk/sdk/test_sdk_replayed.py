"""An auditor that follows the log and cosigns what it has rebuilt: a CLEAR says so, also after kills, and offline."""

from __future__ import annotations

import json
import signal
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.auditing.auditor import Auditor
from client_sdk.errors import ConfigError, NotPermittedError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.models import Purpose, Verdict, written_consent
from client_sdk.testing.programs import Programs
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk import Client
    from client_sdk.models import Answer
    from client_sdk.testing import TestRegistry

SCREENED = "id_type,id_number,consent_form,consent_date,consent_digest\n"
CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


def check(client: Client, number: int) -> Answer:
    client.directory()
    return client.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")


def replayed(client: Client) -> int:
    """How many leaves an auditor has rebuilt, as an answer of now shows it."""
    found = check(client, 801).replayed
    return 0 if found is None else found.size


class Office:
    """The programs of an auditor, an administrator and a lender."""

    def __init__(self, registry: TestRegistry, programs: Programs, folder: Path) -> None:
        self.registry, self.programs, self.folder = registry, programs, folder
        self.runs = 0

    def run(self, member: str, *words: str, expected: int = 0) -> str:
        home = str(self.registry.home(member))
        return self.programs.run(["credit-registry", "--home", home, *words], expected=expected)

    def decide(self, *words: str) -> None:
        proposed = json.loads(self.run("admin-1", "act", "propose", *words, "--yes", "--json"))
        self.run("admin-2", "act", "approve", str(proposed["id"])[:12], "--yes")

    def name_auditors(self, policy: Path) -> None:
        self.decide("rulebook", "--replay-quorum", str(policy))

    def labels(self, verb: str, file: str, policy: Path, nobody: Path) -> None:
        """Evidence says who rebuilt its log to its member and to a reader who trusts that auditor, and to no other."""
        assert "  replayed: " in self.run("lender-2", verb, file)
        assert "NOT REPLAYED" in self.run("lender-2", verb, file, "--replay-quorum", str(nobody))
        offline = ("credit-registry", verb, "--trust-root", str(self.registry.trust_root), file)
        assert "NOT REPLAYED: the trust root names no auditor" in self.programs.run(offline)
        unmet = [*offline, "--replay-quorum", str(nobody)]
        assert "NOT REPLAYED: the policy names no auditor" in self.programs.run(unmet)
        assert "  replayed: " in self.programs.run([*offline, "--replay-quorum", str(policy)])

    def tells_elsewhere(self) -> None:
        """The status tells how far auditors have come, and so does a screening, in which customers are CLEAR too."""
        assert " leaves rebuilt, begun at " in self.run("lender-2", "status")
        assert "PASS  auditors: enough have rebuilt " in self.run("lender-2", "doctor")
        file = self.folder / "customers.csv"
        file.write_text(f"{SCREENED}CN_RESIDENT_ID,{person(801).number},WRITTEN,2025-01-01,{'ab' * 32}\n")
        screening = ("screen", str(file), "--purpose", "POST_LOAN_REVIEW", "--officer", "clerk-7")
        assert "  replayed: auditors have rebuilt the first " in self.run("lender-2", *screening)
        told = json.loads(self.run("lender-2", "--json", *screening))
        assert (told["clear"], told["replayed"]["late"]) == (1, False)

    def suspend(self, asking: tuple[str, ...], before: str) -> None:
        """Of an auditor that is suspended nothing counts any more, though the rulebook names its key."""
        self.decide("state", "--institution", "auditor", "--status", "SUSPENDED")
        assert "NOT REPLAYED" in self.run("lender-2", *asking)
        assert "  replayed: " in self.run("lender-2", "verify", before)
        self.decide("state", "--institution", "auditor", "--status", "ACTIVE")
        assert "  replayed: " in self.run("lender-2", *asking)

    def refuse_other_policies(self, auditors: Path, witnesses: Path, evidence: str) -> None:
        """Keys of auditors make no witnesses, and keys of witnesses no auditors, wherever a file is named."""
        key = VerifierKey.cosigner("lender-1.example/witness", bytes([1]) * 32)
        witnesses.write_text(f"witness one {key.text()}\nquorum one\n")
        for option, file, member, words in (
            ("--witness-quorum", auditors, "lender-2", ("verify", evidence)),
            ("--replay-quorum", witnesses, "lender-2", ("verify", evidence)),
            ("--witness-quorum", auditors, "admin-1", ("act", "propose", "rulebook", "--yes")),
            ("--replay-quorum", witnesses, "admin-1", ("act", "propose", "rulebook", "--yes")),
        ):
            home = str(self.registry.home(member))
            command = ["credit-registry", "--home", home, *words, option, str(file)]
            done = self.programs.complete(command)
            assert (done.returncode, done.stdout) == (2, "")
            said = " ".join(done.stderr.split())
            assert f"{option} {file}: " in said
            assert "one of auditors (`key replay`) to --replay-quorum" in said

    def follow(self) -> None:
        """Start the auditor's service, under another name each time, so that each has a log of its own."""
        self.runs += 1
        home, state = str(self.registry.home("auditor")), str(self.folder / "audit")
        command = ["credit-registry", "--home", home, "--json", "audit", "--follow", "--cosign", "--every", "1"]
        self.programs.launch(f"auditor-{self.runs}", [*command, "--jobs", "1", "--state", state])

    def rebuilds(self, client: Client, index: int) -> None:
        """Start the service, and wait until an answer shows that it has rebuilt the log beyond a leaf."""
        self.follow()
        wait_until(lambda: replayed(client) > index)

    def end(self, by: signal.Signals) -> int | None:
        (code,) = self.programs.stop(f"auditor-{self.runs}", by=by)
        return code


def test_a_clear_says_whether_an_auditor_has_rebuilt_its_log(registry: TestRegistry, tmp_path: Path) -> None:
    policy = tmp_path / "auditors.policy"
    client = registry.client("lender-2")
    with Programs(tmp_path) as programs:
        office = Office(registry, programs, tmp_path)
        before = check(client, 801)
        assert before.verdict is Verdict.CLEAR
        assert client.status().replayed is None
        assert before.to_dict()["replayed"] == {"size": 0, "at": None, "late": True, "named": False}
        with pytest.raises(ConfigError, match="key replay"):
            Auditor.from_home(registry.home("auditor")).cosign()
        once = ("audit", "--cosign", "--jobs", "1", "--state", str(tmp_path / "audit"))
        # Nothing is audited for a key that is not there.
        office.run("auditor", *once, expected=5)
        assert not (tmp_path / "audit").exists()
        # The administrators name the auditor's key; until then the registry takes nothing of it.
        key = json.loads(office.run("auditor", "--json", "key", "replay"))
        assert json.loads(office.run("auditor", "--json", "key", "replay")) == key
        auditor = Auditor.from_home(registry.home("auditor"), state=tmp_path / "audit")
        assert auditor.cosign() == 0
        assert auditor.audit().clean
        with pytest.raises(NotPermittedError, match="COSIGNER_UNKNOWN"):
            auditor.cosign()
        # What it has found out is shown first, and is not lost with the refusal.
        assert "nothing was found" in office.run("auditor", *once, expected=1).lower()
        policy.write_text(f"{key['line']}\nquorum auditor\n")
        office.name_auditors(policy)
        # One that follows the directory anew: the rulebook that it knows is a minute old at most.
        client = registry.client("lender-2")
        # Whatever the moment at which it is killed, it goes on from its last whole audit.
        for number in (802, 803):
            office.rebuilds(client, registry.client("lender-1").report(default_report(number)).index)
            office.end(signal.SIGKILL)
        registry.client("lender-1").report(default_report(804))
        office.follow()
        office.end(signal.SIGKILL)
        killed = replayed(client)
        office.rebuilds(client, killed)
        answer = check(client, 801)
        assert answer.verdict is Verdict.CLEAR
        assert answer.replayed is not None
        assert not answer.replayed.late
        assert killed < answer.replayed.size <= answer.size
        assert check(client, 802).verdict is Verdict.LISTED
        # The evidence file shows it too, to its member and to a reader who trusts this auditor, and to no other reader.
        file = str(answer.save(tmp_path / "answer.evidence"))
        assert "  replayed: auditors have rebuilt the first " in office.run("lender-2", "verify", file)
        (nobody := tmp_path / "nobody.policy").write_text("quorum none\n")
        office.labels("verify", file, policy, nobody)
        shown = json.loads(office.run("lender-2", "--json", "verify", file))
        assert shown["persons"][0]["replayed"]["late"] is False
        asked = tmp_path / "number.txt"
        asked.write_text(person(801).number)
        command = ("check", "--purpose", "LOAN_APPROVAL", "--officer", "clerk-7", "--consent-date", "2025-01-01")
        asking = (*command, "--consent-digest", "ab" * 32, "--identity-file", str(asked))
        saved = tmp_path / "asked.evidence"
        said = office.run("lender-2", *asking, "--save", str(saved), "--with-assessment")
        assert "  replayed: " in said
        # So it says where the assessment is recomputed years later.
        office.labels("reassess", str(saved), policy, nobody)
        office.refuse_other_policies(policy, tmp_path / "witnesses.policy", file)
        office.tells_elsewhere()
        assert office.end(signal.SIGTERM) == 0
        office.suspend(asking, file)
        # Nobody is named any more: from then on a CLEAR is the registry's word again, and says so.
        policy.write_text("quorum none\n")
        office.name_auditors(policy)
        assert "NOT REPLAYED" in office.run("lender-2", *asking)
        # Evidence of before is judged by the rulebook of its own time.
        assert "  replayed: " in office.run("lender-2", "verify", file)
        assert "  replayed: " in office.run("lender-2", "reassess", str(saved))
