"""From gathered blocks to signed chunks: each statement by a signature of its own, or many by one (proto/README.md 2).

For one signature the statements wait, as they will be sent, until there are 10,000 or no more come: up to that many in
memory, some 3 KB each, and as many again that were signed and are being sent. Of the others a statement's signature
holds hashes alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from client_sdk._protocol.statement import sign_together
from client_sdk.kernel.formats.batch_signature import MAX_BATCH
from client_sdk.lending.sending import pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._protocol.statement import Issuer
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.chains import ChainKey, Unit
    from client_sdk.lending.comparison import Lookup
    from client_sdk.lending.signing_room import Prepared, SigningRoom
    from client_sdk.lending.tally import Tally

__all__ = ["NOTHING", "STATEMENTS_OF_A_SIGNATURE", "Gathered", "SignedBlock", "Signing"]

# A signature is made once so many statements wait for it.
STATEMENTS_OF_A_SIGNATURE = 10_000


class Gathered(NamedTuple):
    """A block of units with everything that was looked up for it."""

    units: Sequence[Unit]
    lookups: Mapping[ChainKey, Lookup]
    names: Mapping[Identity, Mapping[int, Pseudonym]]
    sold: Mapping[RecordKey, HeldRecord]


class SignedBlock(NamedTuple):
    """Units of one block with their signed submissions, those that are new, in chunks."""

    units: Sequence[Unit]
    chunks: Sequence[Sequence[Prepared]]


NOTHING = SignedBlock((), ())


@dataclass(slots=True)
class Signing:
    """Signs what is new of each block.

    Args:
        room: makes the statements; it leaves them unsigned for one signature.
        issuer: the signing institution with its key.
        one_signature: whether one signature stands for many statements.
        tally: counts signatures.
    """

    room: SigningRoom
    issuer: Issuer
    one_signature: bool
    tally: Tally
    _made: list[tuple[Sequence[Unit], list[list[Prepared]]]] = field(default_factory=list)

    def work_off(self, gathered: Gathered | None, *, last: bool) -> list[SignedBlock]:
        """Return the blocks that are ready to be sent; none while statements wait for their common signature.

        Args:
            gathered: the next block; None for none.
            last: whether no more comes.
        """
        if gathered is not None:
            found = gathered.lookups, gathered.names, gathered.sold
            made = [self.room.work_off(unit, *found) for unit in gathered.units]
            self._made.append((gathered.units, made))
        waiting = [item for _, made in self._made for items in made for item in items]
        if self.one_signature:
            if not last and len(waiting) < STATEMENTS_OF_A_SIGNATURE:
                return []
            for start in range(0, len(waiting), MAX_BATCH):
                sign_together(self.issuer, [item.submission for item in waiting[start : start + MAX_BATCH]])
                self.tally.signatures += 1
        else:
            self.tally.signatures += len(waiting)
        blocks, self._made = self._made, []
        return [SignedBlock(units, pack(made)) for units, made in blocks]
