"""Reading what a member gives and receives, without any input or output (proto/README.md 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.verification import verifying
from client_sdk.errors import VerificationError
from client_sdk.kernel.ledger.directory_proof import verify_directory
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.reciprocity import grace_until, held_back, standings
from client_sdk.models.reciprocity import Reciprocity

if TYPE_CHECKING:
    from creditregistry.v1 import transparency_pb2 as pb

    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.state import Rulebook

__all__ = ["read_reciprocity"]


def read_reciprocity(
    response: pb.GetDirectoryProofResponse, lender: str, rulebook: Rulebook, log_key: VerifierKey
) -> Reciprocity:
    """Return how a lender stands, from what the map says that it has given.

    Args:
        response: of the registry.
        lender: institution id.
        rulebook: as the directory that was followed has it.
        log_key: of the log.

    Raises:
        VerificationError: the proof does not verify, shows another lender or none, or rests on another rulebook.
    """
    with verifying():
        proved = verify_directory(response, log_key)
    if [item.institution for item in proved.contributions] != [lender]:
        raise VerificationError("directory proof", "contribution.needed", want="what this member has given")
    if proved.registry.rulebook_digest != rulebook.digest:
        want = "the rulebook that was followed; where it has just been changed, ask again"
        raise VerificationError("directory proof", "rulebook.digest", got="another rulebook", want=want)
    (contribution,) = proved.contributions
    today = day_of(proved.logged_at, rulebook.time_zone)
    return Reciprocity(
        levels=standings(contribution, rulebook, today),
        grace_until=grace_until(contribution, rulebook),
        held_back=held_back(contribution, rulebook, today),
        as_of=today,
    )
