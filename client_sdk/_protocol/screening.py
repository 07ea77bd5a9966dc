"""Screenings without input or output: signing one, reading its pages (proto/README.md 6 and 9)."""

from __future__ import annotations

import secrets
from bisect import bisect_left
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import check_pb2, evidence_pb2

from client_sdk._protocol.verification import verifying
from client_sdk._shared_work import SharedWork
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.commitment import OPENING_BYTES, commit_consents, commit_officer
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_page import MapPage, prefix_of, value_on, verify_page
from client_sdk.kernel.ledger.head_time import check_head_time
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES, Inquiry, InquiryOpening, Screening
from client_sdk.kernel.ledger.proving import head_under, read_checkpoint, split_hashes, within
from client_sdk.kernel.rules.consent import for_purpose, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk._protocol.inquiry import Expectation
    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.words import Purpose
    from client_sdk.kernel.rules.fact_parts import Consent

__all__ = ["PageReader", "SignedScreening", "UnverifiedPages", "sign_screening", "verify_pages"]

# Pages of one call.
_PAGES = 16
_PART = "screening"


class SignedScreening(NamedTuple):
    """A signed screening with what travels beside it.

    Attributes:
        inquiry: what was signed.
        signed: payload and signature.
        opening: of the officer.
        consents_opening: of the consents, which stay here.
    """

    inquiry: Inquiry
    signed: evidence_pb2.SignedPayload
    opening: check_pb2.InquiryOpening
    consents_opening: bytes

    def __repr__(self) -> str:
        return "SignedScreening(...)"


def sign_screening(
    registry: str,
    asker: str,
    signer: Signer,
    screening: Screening,
    *,
    purpose: Purpose,
    consents: Sequence[Consent],
    officer: str,
    issued_at: int,
) -> SignedScreening:
    """Make and sign a screening.

    Args:
        registry: its name.
        asker: institution id.
        signer: its INQUIRE key.
        screening: which pages it asks for.
        purpose: why.
        consents: of each person, in order.
        officer: the member of staff who asks, by the lender's own name.
        issued_at: milliseconds since 1970 UTC.
    """
    signed_consents = [for_purpose(consent, purpose) for consent in consents]
    consents_opening = secrets.token_bytes(OPENING_BYTES)
    opening = InquiryOpening((), b"", b"", secrets.token_bytes(OPENING_BYTES), officer)
    inquiry = Inquiry(
        registry=registry,
        asker=asker,
        inquiry_id=secrets.token_bytes(INQUIRY_ID_BYTES),
        issued_at=issued_at,
        purpose=purpose,
        subject_commitments=(),
        consent_commitment=commit_consents(consents_opening, (consent.encode() for consent in signed_consents)),
        officer_commitment=commit_officer(opening.officer_opening, officer),
        consent_terms=terms_of(signed_consents),
        screening=screening,
    )
    payload = inquiry.encode()
    signed = evidence_pb2.SignedPayload(
        payload=payload, key_id=signer.public_key.key_id, signature=dsse.sign(signer, dsse.INQUIRY, payload)
    )
    return SignedScreening(inquiry, signed, opening.message(), consents_opening)


class UnverifiedPages(NamedTuple):
    """Pages of one answer, each by its prefix; a worker learns of them what the registry shows to every lender.

    Attributes:
        root: of the map, as the HEAD has it.
        depth: that was asked for.
        pages: prefix, and what should show it.
    """

    root: bytes
    depth: int
    pages: list[tuple[int, MapPage]]

    def __repr__(self) -> str:
        return f"UnverifiedPages({len(self.pages)})"


def verify_pages(part: UnverifiedPages) -> FormatError | None:
    """Return what is wrong with the first page that does not verify; None where all do. Runs in any process."""
    try:
        with within("map page"):
            for prefix, page in part.pages:
                verify_page(part.root, prefix, part.depth, page)
    except FormatError as error:
        return error
    return None


class PageReader:
    """Asks for the pages in which keys have their places, and reads them; all are of one HEAD.

    Args:
        keys: of the map, 32 bytes each.
        depth: of the pages.
        log_key: of the log, from the trust root.
        work: verifies the pages; None verifies each at once.

    Attributes:
        found: value by key, of those keys that the map holds; complete after ``settle``.
        checkpoint: of the HEAD; None before the first answer.
        as_of_ms: time of the HEAD.
        newest_act: index of the newest act before the HEAD.
        note: signed checkpoint.
        done: number of pages that were read.
    """

    def __init__(self, keys: Iterable[bytes], depth: int, log_key: VerifierKey, work: SharedWork | None = None) -> None:
        self._work = SharedWork(None) if work is None else work
        self._depth = depth
        self._log_key = log_key
        self._keys = sorted(set(keys))
        self.prefixes = [prefix for prefix, _ in groupby(self._keys, lambda key: prefix_of(key, depth))]
        self.found: dict[bytes, bytes] = {}
        self.checkpoint: Checkpoint | None = None
        self.as_of_ms = 0
        self.newest_act = 0
        self.note = b""
        self.done = 0

    def request(self, question: SignedScreening) -> check_pb2.ScreenRequest | None:
        """Return the request for the next pages; None when all are read."""
        wanted = self.prefixes[self.done : self.done + _PAGES]
        if not wanted:
            return None
        size = 0 if self.checkpoint is None else self.checkpoint.size
        return check_pb2.ScreenRequest(inquiry=question.signed, opening=question.opening, prefixes=wanted, at_size=size)

    def read(self, response: check_pb2.ScreenResponse, expected: Expectation) -> None:
        """Verify the HEAD, and have the pages verified; then take from them what the map holds under the keys.

        Args:
            response: to the newest request.
            expected: time, freshness and newest known checkpoint, for the first answer.

        Raises:
            VerificationError: the HEAD or a page, also of an earlier answer, does not verify, or other pages came than
                were asked for.
            ExecutorError: pages of an earlier answer could not be verified.
        """
        with verifying():
            root = self._map_root(response, expected)
            wanted = self.prefixes[self.done : self.done + _PAGES]
            came = [page.prefix for page in response.pages]
            if not came or came != wanted[: len(came)]:
                want = "the pages that were asked for, in their order"
                raise FormatError(_PART, "screening.asked", got=f"{len(came)} pages", want=want)
            pages = [(page.prefix, MapPage(page.depth, page.entries, page.siblings)) for page in response.pages]
            name = f"pages {self.done + 1} to {self.done + len(pages)} of the map"
            self.done += len(came)
            self._work.put(name, verify_pages, UnverifiedPages(root, self._depth, pages), partial(self._take, pages))

    def settle(self) -> None:
        """Wait until all pages are verified; raises as ``read``."""
        self._work.settle()

    def _map_root(self, response: check_pb2.ScreenResponse, expected: Expectation) -> bytes:
        """Return the map root of the HEAD of an answer."""
        checkpoint = read_checkpoint(response.checkpoint, self._log_key)
        leaf = head_under(checkpoint, response.head, split_hashes(response.head_path, "head"), "head")
        if self.checkpoint is None:
            known = expected.known
            if known is not None and checkpoint.size < known.size:
                want = f"at least {known.size}"
                raise FormatError("checkpoint", "log.rollback", got=str(checkpoint.size), want=want)
            check_head_time(leaf.logged_at, expected.now_ms, expected.max_age_ms)
            self.checkpoint, self.as_of_ms, self.note = checkpoint, leaf.logged_at, response.checkpoint
            self.newest_act = leaf.head.newest_act
        elif checkpoint != self.checkpoint:
            raise FormatError("checkpoint", "page.same-head", want="the checkpoint of the first page")
        return leaf.head.map_root

    def _take(self, pages: Sequence[tuple[int, MapPage]], wrong: FormatError | None) -> None:
        if wrong is not None:
            with verifying():
                raise wrong
        for prefix, page in pages:
            for key in self._under(prefix):
                value = value_on(page, key)
                if value is not None:
                    self.found[key] = value

    def _under(self, prefix: int) -> Sequence[bytes]:
        """Return the keys that begin with a prefix."""
        first = bisect_left(self._keys, prefix, key=lambda key: prefix_of(key, self._depth))
        end = bisect_left(self._keys, prefix + 1, key=lambda key: prefix_of(key, self._depth))
        return self._keys[first:end]
