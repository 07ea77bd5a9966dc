"""Streamed reports of four lenders at once, against bare verifications of one thread."""

from __future__ import annotations

from benchmarks import prepare, world
from benchmarks.limits import openssl_verifications
from benchmarks.table import Row

__all__ = ["measure"]

EACH = 6_000
# The first records warm caches up and are not measured.
WARM_EACH = 512


def measure(name: str, goal: float, database_url: str = "") -> Row:
    """Return records a second over bare verifications a second."""
    with world.registry(database_url) as running:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        world.stream(running, prepare.submissions(lenders, WARM_EACH))
        made = prepare.submissions(lenders, EACH)
        before = openssl_verifications()
        ours = world.stream(running, made)
        limit = (before + openssl_verifications()) / 2
    return Row(name, ours, limit, "records/s", ours / limit, goal)
