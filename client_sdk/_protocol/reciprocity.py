"""Reading what a member gives and receives, without any input or output (proto/README.md 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk._protocol.verification import verifying
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.ledger.directory_proof import verify_directory
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.lifecycle import is_live
from client_sdk.kernel.rules.reciprocity import grace_until, held_back, standings
from client_sdk.models.reciprocity import Reciprocity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from creditregistry.v1 import transparency_pb2 as pb

    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.words import Kind

__all__ = ["OwnGift", "check_given", "own_gifts", "read_reciprocity"]


class OwnGift(NamedTuple):
    """The newest version of a kind for which a lender has a receipt: leaf index, and when it was logged, ms."""

    place: int
    logged_at: int


def own_gifts(receipts: Iterable[tuple[int, int, bytes]], lender: str) -> dict[Kind, OwnGift]:
    """Return what a lender gave last of each kind, by its own receipts.

    Args:
        receipts: leaf index, time and payload of statements, the newest first.
        lender: institution id.
    """
    gifts: dict[Kind, OwnGift] = {}
    for index, logged_at, payload in receipts:
        statement = Statement.parse(payload)
        if statement.signer == statement.issuer == lender and is_live(statement.standing):
            gifts.setdefault(statement.kind, OwnGift(index, logged_at))
    return gifts


def check_given(contribution: bytes, rulebook: Rulebook, gifts: Mapping[Kind, OwnGift], size: int, as_of: int) -> None:
    """Hold what an answer says that the asker has given against the asker's own receipts.

    Args:
        contribution: canonical, as the answer shows it.
        rulebook: in force.
        gifts: of the asker, by its receipts.
        size: of the answer's checkpoint; a later gift is not in it yet.
        as_of: time of its HEAD, ms; after a correction of the log's time a gift may lie ahead of it.

    Raises:
        FormatError: a receipt shows more than the registry counts.
    """
    shown = Contribution.parse(contribution)
    for kind, gift in gifts.items():
        day = day_of(gift.logged_at, rulebook.time_zone).isoformat()
        if gift.place < size and gift.logged_at <= as_of and shown.given_on(kind) < day:
            got, want = shown.given_on(kind) or "never", f"{day}, by the receipt of leaf {gift.place}"
            raise FormatError("contribution", "contribution.receipt", got=f"{kind.name} given {got}", want=want)


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
