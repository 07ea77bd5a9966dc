"""Which records are stale: running ones without a further version for longer than the rulebook's days."""

from __future__ import annotations

import pytest

from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.stale import is_stale

DAY_MS = 86_400_000


@pytest.mark.parametrize("standing", Standing)
def test_a_running_record_is_stale_after_the_days_and_no_other_is(standing: Standing) -> None:
    running = standing in {Standing.OPEN, Standing.ARRANGED, Standing.STAYED}
    assert not is_stale(standing, 5, 5 + 184 * DAY_MS, 184)
    assert is_stale(standing, 5, 6 + 184 * DAY_MS, 184) is running
    # A log whose time was corrected may show a version later than the HEAD.
    assert not is_stale(standing, 6 + 184 * DAY_MS, 5, 184)
