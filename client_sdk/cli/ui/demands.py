"""Demands of a reader of evidence: trust root, witnesses and auditors, by options and by a home."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from client_sdk.checkpoints import NO_QUORUM, WitnessQuorum, read_auditors, read_witnesses
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.session import Run
from client_sdk.config import CONFIG_FILE
from client_sdk.errors import FormatError
from client_sdk.models.replayed import REPLAY_MAX_LAG
from client_sdk.texts import say
from client_sdk.verification import demands_of_root, read_trust_root
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk import TrustRoot
    from client_sdk.quorums import DemandsAt

__all__ = [
    "Demanded",
    "ReplayMaxLagOption",
    "ReplayQuorumOption",
    "TrustRootOption",
    "WitnessQuorumOption",
    "read_quorum",
    "trust_root_of",
]

T = TypeVar("T")

TrustRootOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Trust root; without it that of the home.", show_default=False),
]
WitnessQuorumOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="C2SP tlog-policy: the witnesses that you trust; without it those of the home or the trust root.",
        show_default=False,
    ),
]
ReplayQuorumOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="C2SP tlog-policy: the auditors that you trust to rebuild the log; without it as for witnesses.",
        show_default=False,
    ),
]
ReplayMaxLagOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=31_536_000,
        metavar="SECONDS",
        help="How long after the last replay of the log by auditors a CLEAR counts as replayed; without it what "
        "config.toml says, else a day.",
        show_default=False,
    ),
]


def trust_root_of(session: Run, file: Path | None) -> "TrustRoot":
    """Return the trust root of a file, else of the home.

    Raises:
        UsageError: neither is there.
    """
    if file is not None:
        return read_trust_root(file)
    if not (session.home / CONFIG_FILE).exists():
        hint = say(
            "give --trust-root FILE with the registry's trust-root.bin; only a member's home has one of its own."
        )
        raise UsageError(say("there is no trust root to verify against"), hint)
    return session.config().trust_root()


def read_quorum(option: str, file: Path, read: "Callable[[bytes], T]") -> T:
    """Return the policy of a file, or what is made of it.

    Args:
        option: as it is typed, for the message.
        file: of the policy.
        read: parses it; raises a FormatError.

    Raises:
        UsageError: it is no policy, or names keys of the other kind.
    """
    try:
        return read(read_whole(file))
    except FormatError as error:
        hint = say("a file of witnesses goes to --witness-quorum, one of auditors (`key replay`) to --replay-quorum.")
        raise UsageError(f"{option} {file}: {error}", hint) from None


class Demanded(NamedTuple):
    """What the options of a verb demand of those who cosigned the log of evidence.

    Attributes:
        session: of the verb.
        root: file of the trust root; None for that of the home.
        witnesses: file of a policy; None for those of the home, else of the trust root.
        auditors: likewise of the auditors that rebuild the log.
        max_lag: seconds; None for what the home says, else a day.
    """

    session: Run
    root: Path | None
    witnesses: Path | None
    auditors: Path | None
    max_lag: float | None

    def refuse_files(self) -> None:
        """Refuse files of other trust beside --identity-file, where the home asks the key services.

        Raises:
            UsageError: an option names one.
        """
        named = {"--trust-root": self.root, "--witness-quorum": self.witnesses, "--replay-quorum": self.auditors}
        if given := [name for name, file in named.items() if file is not None]:
            hint = say(
                "a home has its trust root and witnesses.policy, and takes auditors from the rulebook it follows."
            )
            raise UsageError(say("{given} and --identity-file do not go together", given=given[0]), hint)

    @property
    def namer(self) -> str:
        """What names the auditors: a file of its own knows no later rulebook than the founding one."""
        if self.auditors is not None:
            return "policy"
        return say("trust root") if self.root is not None else say("rulebook")

    def of(self, root: "TrustRoot") -> "DemandsAt":
        """Return them; where options name nobody, those of the home, else of the trust root.

        Raises:
            UsageError: a file holds no such policy.
            ConfigError: what the home keeps is damaged.
        """
        quorums = self._quorums()
        replaying = None if self.auditors is None else read_quorum("--replay-quorum", self.auditors, read_auditors)
        if self.root is not None:
            lag = REPLAY_MAX_LAG if self.max_lag is None else self.max_lag
            return demands_of_root(root, quorums, replaying, lag)
        from client_sdk.quorums import demands_of_home  # noqa: PLC0415 - loads gRPC, which most files never need

        return demands_of_home(self.session.config(), quorums, replaying, self.max_lag)

    def _quorums(self) -> tuple[WitnessQuorum, ...] | None:
        if self.witnesses is None:
            return None
        quorum = read_quorum("--witness-quorum", self.witnesses, read_witnesses)
        return () if quorum.quorum == NO_QUORUM else (quorum,)
