"""Streamed reports of four lenders at once, against bare verifications of one thread."""

from __future__ import annotations

from benchmarks import prepare, world
from benchmarks.limits import all_core_verifications, openssl_verifications
from benchmarks.table import Row

__all__ = ["measure"]

EACH = 6_000
# The first records are not measured: caches warm up, and the choice is made between checking processes and threads.
WARM_EACH = 5_000


def measure(name: str, goal: float, database_url: str = "") -> Row:
    """Return records a second over bare OpenSSL verifications a second of one thread."""
    with world.registry(database_url) as running:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        world.stream(running, prepare.submissions(lenders, WARM_EACH))
        made = prepare.submissions(lenders, EACH)
        before = openssl_verifications()
        ours = world.stream(running, made)
        limit = (before + openssl_verifications()) / 2
        most = all_core_verifications()
    note = f"libsodium on all cores: {most:,.0f} verifications/s, {ours / most:.2f} of them"
    return Row(name, ours, limit, "records/s", ours / limit, goal, note=note)
