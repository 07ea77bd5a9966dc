"""When each witness has cosigned the newest checkpoint that this home knows as cosigned."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from client_sdk.checkpoints import CLOCKS_DIFFER_MS, read_cosigned
from client_sdk.clock import clock_ms
from client_sdk.errors import FormatError
from client_sdk.following import COSIGNED_FILE
from client_sdk.quorums import quorums_of_home
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from client_sdk.config import ClientConfig

__all__ = ["cosigned_at"]


def cosigned_at(config: ClientConfig) -> tuple[int, dict[str, datetime]]:
    """Return the newest checkpoint that witnesses have cosigned for a home: its size, and when each of them did.

    A witness that tells a time of the future is left out: its line counts for nothing, and may be beyond the calendar.

    Raises:
        CreditRegistryError: what is kept is damaged.
    """
    quorums, path = quorums_of_home(config), config.state_folder / COSIGNED_FILE
    if not quorums or not path.exists():
        return 0, {}
    cosigned = read_cosigned(read_whole(path), config.trust_root().log_key)
    latest = (clock_ms() + CLOCKS_DIFFER_MS) // 1_000
    try:
        times = {name: at for quorum in quorums for name, at in cosigned.times(quorum).items() if at <= latest}
    except FormatError:
        # It was kept before a witness was trusted whose line in it does not verify.
        return 0, {}
    return cosigned.size, {name: datetime.fromtimestamp(at, UTC) for name, at in sorted(times.items())}
