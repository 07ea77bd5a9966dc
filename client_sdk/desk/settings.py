"""Settings of the desk: ``desk.toml`` in the member's home, which may be missing.

hosts = ["desk.lender.example"]       # names under which browsers reach it, beside those of this machine
idle_minutes = 15                     # a session ends after as long without a page
session_hours = 8                     # and after as long in any case
criteria = "criteria.toml"            # as of `credit-registry check --criteria`; without it the defaults

[approval]                            # two pairs of eyes; without it nothing waits
all = false                           # whether all reports, corrections and withdrawals wait for an approver
hours = 24                            # for which they wait
[approval.above]                      # or those above an amount; of a currency that is not here all wait
CNY = "100,000.00"

[tls]
certificate = "desk.pem"              # chain, leaf first; relative to the home
key = "desk-key.pem"

[openid]                              # sign-in by OpenID Connect
issuer = "https://login.lender.example"
client_id = "credit-registry-desk"
client_secret_file = "desk-openid.secret"   # mode 0600; left out for a public client
name_claim = "preferred_username"     # names the person in the journal, and to the registry as the officer
role_claim = "groups"
[openid.roles]                        # value of that claim -> role here; the most of several counts
credit-officers = "officer"
"""

import tomllib
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from client_sdk.desk.money import minor_units
from client_sdk.desk.rights import DeskRole
from client_sdk.errors import ConfigError
from client_sdk.forms import MINOR_UNITS, is_this_machine
from client_sdk.models import Amounts

__all__ = ["SETTINGS_FILE", "ApprovalSettings", "DeskSettings", "DeskTls", "OpenIdSettings", "read_settings"]

SETTINGS_FILE = "desk.toml"
_MAX_BYTES = 65_536
_HOST = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"

Text = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")]
Host = Annotated[str, StringConstraints(pattern=rf"^{_HOST}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DeskTls(_Strict):
    """Files of TLS, relative to the home."""

    certificate: Text
    key: Text


class ApprovalSettings(_Strict):
    """What waits for another person's approval."""

    all: bool = False
    hours: Annotated[int, Field(ge=1, le=72)] = 24
    above: Annotated[dict[str, Text], Field(max_length=50)] = {}

    @field_validator("above")
    @classmethod
    def _checked(cls, above: dict[str, str]) -> dict[str, str]:
        for currency, amount in above.items():
            if currency not in MINOR_UNITS:
                raise ValueError("want currencies of ISO 4217, such as CNY")
            if minor_units(amount, currency) is None:
                raise ValueError('want amounts such as "100,000.00", with all places of the currency or none')
        return above

    @property
    def wanted(self) -> bool:
        """Whether anything waits."""
        return self.all or bool(self.above)

    def asks(self, money: tuple[Amounts, ...] | None) -> bool:
        """Whether an act waits for an approver.

        Args:
            money: amounts of the record, as held and as it would be; None where they are not known.
        """
        if self.all or not self.above:
            return self.all
        return money is None or any(self._is_above(amounts) for amounts in money)

    def _is_above(self, amounts: Amounts) -> bool:
        limit = minor_units(self.above.get(amounts.currency, ""), amounts.currency)
        return limit is None or amounts.total > limit


class OpenIdSettings(_Strict):
    """How people sign in by OpenID Connect."""

    issuer: Text
    client_id: Text
    client_secret_file: Text | None = None
    name_claim: Text = "preferred_username"
    role_claim: Text = "groups"
    roles: Annotated[dict[Text, Annotated[DeskRole, Field(strict=False)]], Field(min_length=1, max_length=100)]

    @field_validator("issuer")
    @classmethod
    def _checked(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(parts.hostname or "")):
            raise ValueError("want an https:// URL; http:// is for an issuer on this machine alone")
        return issuer.rstrip("/")


class DeskSettings(_Strict):
    """All settings, each with its default."""

    hosts: Annotated[list[Host], Field(max_length=16)] = []
    idle_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    session_hours: Annotated[int, Field(ge=1, le=24)] = 8
    criteria: Text | None = None
    approval: ApprovalSettings = ApprovalSettings()
    tls: DeskTls | None = None
    openid: OpenIdSettings | None = None


def read_settings(home: Path) -> DeskSettings:
    """Return the settings of a home.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or a setting is unknown or of another form.
    """
    file = home / SETTINGS_FILE
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return DeskSettings()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError(f"{file} is longer than any settings: want at most {_MAX_BYTES:,} bytes")
    try:
        return DeskSettings.model_validate(tomllib.loads(raw.decode()))
    except ValidationError as error:
        broken = error.errors(include_url=False, include_input=False, include_context=False)
        named = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in broken[:5])
        raise ConfigError(f"{file}: {named}") from None
    except (ValueError, RecursionError) as error:
        text = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise ConfigError(f"{file} is no TOML: {text}") from None
