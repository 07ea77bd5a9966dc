"""What witnesses have cosigned stands beside answers and checkpoints, with its proof; what is beyond a view waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.cosigned import check_one_history
from registry_server.rpc.convert.checks import question
from registry_server.rpc.convert.transparency import checkpoint
from registry_server.usecases.check import Checks
from registry_server.usecases.cosigned_proofs import CosignedProofs
from registry_server.usecases.evidence import EvidencePage
from registry_server.usecases.transparency import Transparency
from registry_server.usecases.witnessing import CosignedCheckpoint
from tests.support.registers import ORIGIN
from tests.support.registry import inquire
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from registry_server.sequencing.ledger import Ledger

SECONDS = 1_790_000_000


def newest(ledger: Ledger) -> CosignedCheckpoint:
    """The newest commit, as if a quorum had cosigned it; without their lines, which nothing here reads."""
    with ledger.view() as view:
        return CosignedCheckpoint(view.size, SECONDS, view.checkpoint)


def test_an_answer_brings_the_newest_cosigned_checkpoint_that_its_log_reaches(database_url: str) -> None:
    world = World()
    log_key = VerifierKey.ed25519(ORIGIN, world.log_signer.public_key.raw)
    with world.ledger(database_url) as ledger:
        held: list[CosignedCheckpoint] = []
        proofs = CosignedProofs(lambda: held[-1] if held else None)
        checks = Checks(ledger, 1_000_000, proofs)

        def shown(name: str) -> int:
            (page,) = checks.answer([question(inquire(world, "lender-2", ["A"], name), "lender-2")])
            assert isinstance(page, EvidencePage)
            if not page.evidence.HasField("cosigned"):
                return 0
            own = parse_checkpoint(page.evidence.checkpoint, log_key).checkpoint
            return check_one_history(page.evidence.cosigned, own, log_key).size

        assert shown("before any witness") == 0
        first = newest(ledger)
        held.append(first)
        assert shown("at the same size") == first.size
        accept(ledger, world.report("lender-1", "loan", person="A"))
        assert shown("one commit later") == first.size
        # What is cosigned beyond the commit that is shown is left out, and what was before it stays.
        held.append(CosignedCheckpoint(first.size + 99, SECONDS, b"of a commit that this process has not seen"))
        assert shown("while another process is ahead") == first.size
        held.append(newest(ledger))
        asked = Transparency(ledger, cosigned=proofs).checkpoint
        # Between the size that a member knows and what is cosigned, whichever is larger.
        with ledger.view() as view:
            known = parse_checkpoint(first.note, log_key).checkpoint
            assert known.root == view.root_of(known.size)
        message = checkpoint(asked(known.size, cosigned=True)).cosigned
        assert check_one_history(message, known, log_key).size == held[-1].size
        assert checkpoint(asked(0, cosigned=True)).cosigned.checkpoint == held[-1].note
        assert not checkpoint(asked(known.size)).HasField("cosigned")
        assert not checkpoint(Transparency(ledger).checkpoint(known.size, cosigned=True)).HasField("cosigned")
