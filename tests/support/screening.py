"""Screenings as their asker signs them, and pages as a lender verifies them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2, evidence_pb2

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.commitment import commit_consents, commit_officer
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.map_page import MapPage, verify_page
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.inquiry import Inquiry, InquiryOpening, Screening
from client_sdk.kernel.ledger.proving import head_under, read_checkpoint, split_hashes
from tests.support.handmade_log import REGISTRY, seed, signer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.ledger.trust_root import TrustRoot
    from tests.support.registry_world import World

__all__ = ["screen_request", "verified_entries"]


def screen_request(
    world: World,
    asker: str,
    prefixes: Sequence[int] = (0,),
    name: str = "screening",
    *,
    screening: Screening | None = None,
    officer: str = "officer 7",
    at_size: int = 0,
    **changes: object,
) -> check_pb2.ScreenRequest:
    """A signed screening and the pages that are wanted of it.

    Args:
        world: whose clock and keys.
        asker: institution id.
        prefixes: of the pages.
        name: what id and openings follow from.
        screening: one page of depth 1 for three persons unless another is given.
        officer: who asks.
        at_size: of the checkpoint of the first answer.
        changes: fields of the inquiry that are to be otherwise.
    """
    opening = InquiryOpening((), b"", b"", seed(f"{name} officer"), officer)
    inquiry = Inquiry(
        REGISTRY,
        asker,
        seed(f"{name} id", 16),
        world.clock.now,
        Purpose.POST_LOAN_REVIEW,
        (),
        commit_consents(seed(f"{name} consents"), [b"consent"]),
        commit_officer(opening.officer_opening, opening.officer),
        ConsentTerms("2020-01-01", "2025-01-01", (Purpose.POST_LOAN_REVIEW,)),
        screening or Screening(3, 1, 1),
    )
    payload = replace(inquiry, **changes).encode()  # type: ignore[arg-type]  # the test names fields
    own = signer(f"{asker} INQUIRE")
    signed = evidence_pb2.SignedPayload(
        payload=payload, key_id=own.public_key.key_id, signature=dsse.sign(own, dsse.INQUIRY, payload)
    )
    return check_pb2.ScreenRequest(inquiry=signed, opening=opening.message(), prefixes=prefixes, at_size=at_size)


def verified_entries(root: TrustRoot, response: check_pb2.ScreenResponse, depth: int = 1) -> dict[bytes, bytes]:
    """Key and value of all entries on the pages of an answer, each proved by its HEAD."""
    checkpoint = read_checkpoint(response.checkpoint, root.log_key)
    head = head_under(checkpoint, response.head, split_hashes(response.head_path, "head"), "head").head
    entries: dict[bytes, bytes] = {}
    for page in response.pages:
        shown = MapPage(page.depth, page.entries, page.siblings)
        entries |= verify_page(head.map_root, page.prefix, depth, shown)
    return entries
