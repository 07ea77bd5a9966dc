"""A log in which records have ended in each way, and the proofs of their erasure."""

from __future__ import annotations

from dataclasses import replace

from creditregistry.v1 import erasure_pb2 as pb

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.commitment import commit_erased_person
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.erasure import Erasure
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, Kind, LapseKind, Standing
from client_sdk.kernel.ledger.erasure_file import erasure_file
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, seed, signer

__all__ = ["OPENING", "Erased"]

OPENING = seed("person opening")
SIX_YEARS = 6 * 366 * DAY_MS


class Erased:
    """A log with records that ended in each way, and the proofs of that."""

    def __init__(self) -> None:
        self.log = HandmadeLog()
        self.ends: dict[str, int] = {}
        for name in ("mistaken", "ordered", "ordered too", "paid", "running"):
            self.log.say("lender-1", name)
        self.log.say("lender-1", "judged", kind=Kind.JUDGMENT)
        self.ends["mistaken"] = self.log.say("lender-1", "mistaken", Standing.WITHDRAWN)
        self.ends["judged"] = self.log.say("lender-1", "judged", Standing.SET_ASIDE)
        self.ends["ordered"] = self.log.erase(self.key("ordered"), self.key("ordered too"))
        self.log.say("lender-1", "paid", Standing.CURED)
        self.log.head()
        self.log.wait(SIX_YEARS)
        self.ends["paid"] = self.log.lapse("lender-1", "paid", LapseKind.ERASED)
        self.log.annotate("lender-2", "lender-1", "running", AnnotationFlag.DISPUTED)
        self.log.head()

    @staticmethod
    def key(name: str) -> RecordKey:
        return RecordKey("lender-1", record_id(name))

    def erasure(self, name: str, index: int, **changes: object) -> Erasure:
        leaf = self.log.leaves[index]
        person = commit_erased_person(OPENING, 1, self.log.subject(f"person of {name}"))
        at = parse_leaf(leaf).logged_at
        said = Erasure(
            REGISTRY, "lender-1", record_id(name), index, leaf_hash(leaf), at, person, "lender-1", self.log.logged_at
        )
        return replace(said, **changes)  # type: ignore[arg-type]  # the test names fields

    def file(self, name: str, index: int | None = None, opening: bytes = OPENING, **changes: object) -> bytes:
        place = self.ends[name] if index is None else index
        return self.signed(self.erasure(name, place, **changes), place, opening)

    def signed(self, erasure: Erasure, place: int, opening: bytes = OPENING, by: str = "log") -> bytes:
        payload, key = erasure.encode(), signer(by)
        proved = pb.ProvedErasure()
        proved.erasure.payload, proved.erasure.key_id = payload, key.public_key.key_id
        proved.erasure.signature = dsse.sign(key, dsse.ERASURE, payload)
        proved.receipt.leaf = self.log.leaves[place]
        proved.receipt.inclusion.index = place
        proved.receipt.inclusion.path = b"".join(self.log.tree.inclusion_proof(place, len(self.log.leaves)))
        proved.receipt.checkpoint = self.log.checkpoint()
        return erasure_file(proved, opening)
