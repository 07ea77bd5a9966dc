"""Signers over Ed25519 keys in PKCS#11 tokens: hardware modules, smart cards, SoftHSM.

The key is generated in the token and stays there: the token makes each signature (CKM_EDDSA). A process logs in to a
token once, whatever number of its keys it uses. A session that the token has ended, as when it was taken out and put
back, is opened anew once; a wrong PIN is never tried twice, as tokens lock themselves after a few.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from client_sdk._files import read_private
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.errors import SignatureError
from client_sdk.kernel.formats.keys import ED25519, PUBLIC_KEY_BYTES, PublicKey, verify
from client_sdk.signers.pkcs11_uri import parse_pkcs11_uri

try:
    import pkcs11
except ImportError:
    # Its wheel is not for every machine, and most members keep their keys in files.
    raise ConfigError('keys in PKCS#11 tokens need: pip install "credit-registry[pkcs11]"') from None

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class in small letters

    from client_sdk.passphrase import SecretPrompt
    from client_sdk.signers.pkcs11_uri import TokenKeyName

__all__ = ["TokenSigner", "open_token_signer"]

# DER of an OCTET STRING of 32 bytes, in which tokens hand out the point.
_POINT_HEADER = b"\x04\x20"
_MAX_PIN_BYTES = 256
_SESSION_ENDED = (
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.UserNotLoggedIn,
    pkcs11.KeyHandleInvalid,
    pkcs11.ObjectHandleInvalid,
    pkcs11.DeviceRemoved,
    pkcs11.TokenNotPresent,
)
_WRONG_PIN = (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinInvalid, pkcs11.PinLocked)
_WORDS: dict[type[pkcs11.PKCS11Error], str] = {
    pkcs11.NoSuchToken: "there is no such token",
    pkcs11.MultipleTokensReturned: "there are several such tokens: name one by serial=",
    pkcs11.NoSuchKey: "the token has no such key",
    pkcs11.MultipleObjectsReturned: "the token has several such keys: name one by id=",
    pkcs11.PinIncorrect: "wrong PIN; a token locks itself after a few wrong ones",
    pkcs11.PinLenRange: "wrong PIN; a token locks itself after a few wrong ones",
    pkcs11.PinInvalid: "wrong PIN; a token locks itself after a few wrong ones",
    pkcs11.PinLocked: "the PIN is locked: its administrator unlocks it",
    pkcs11.PinExpired: "the PIN must be changed",
    pkcs11.UserPinNotInitialized: "the token has no PIN yet",
    pkcs11.TokenNotPresent: "the token is not there",
    pkcs11.DeviceRemoved: "the token is not there",
    pkcs11.MechanismInvalid: "the token makes no Ed25519 signatures (CKM_EDDSA)",
}


class _Token:
    """A token that this process has logged in to; PKCS#11 keeps one login for all sessions of a process."""

    def __init__(self, name: TokenKeyName, library: Library) -> None:
        self._name = name
        self._library = library
        self._pin: str | None = None
        # A PIN that the token has refused, and that is given again, would lock it.
        self._refused: set[str] = set()
        self._session: pkcs11.Session | None = None
        # Of all calls: PKCS#11 begins and ends a signature by two calls of one session.
        self.turn = threading.Lock()

    def session(self, pin: Callable[[], str]) -> pkcs11.Session:
        """Return the session, opened when it is first asked for."""
        if self._session is None:
            token = self._library.get_token(token_label=self._name.token, token_serial=self._name.serial)
            self._pin = self._pin if self._pin is not None else self._another(pin())
            try:
                self._session = token.open(user_pin=self._pin)
            except pkcs11.UserAlreadyLoggedIn:
                # By another part of this process; PKCS#11 gives all of them the same rights.
                self._session = token.open()
            except pkcs11.PKCS11Error as error:
                if isinstance(error, _WRONG_PIN):
                    self._refused.add(self._pin)
                self._pin = None
                raise
        return self._session

    def _another(self, pin: str) -> str:
        """Return a PIN that this token has not refused before.

        Raises:
            ConfigError: it has.
        """
        if pin in self._refused:
            raise ConfigError("the token has refused this PIN, and it is not tried again: correct it, then start anew")
        return pin

    def forget_session(self) -> None:
        """Leave a session that the token has ended."""
        self._session = None


class _Tokens:
    """The tokens of this process, by library and name."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process = os.getpid()
        self._tokens: dict[tuple[Path, str | None, bytes | None], _Token] = {}

    def token(self, name: TokenKeyName) -> _Token:
        """Return the token of a key."""
        with self._turn:
            if self._process != os.getpid():
                # PKCS#11 demands of a child of fork that it initialises the library anew and logs in by itself.
                for module in {str(path) for path, *_ in self._tokens}:
                    pkcs11.lib(module).reinitialize()
                self._process, self._tokens = os.getpid(), {}
            library = pkcs11.lib(str(name.module))
            return self._tokens.setdefault((name.module, name.token, name.serial), _Token(name, library))


_TOKENS = _Tokens()


class TokenSigner:
    """A signer over an Ed25519 key in a PKCS#11 token."""

    __slots__ = ("_key", "_name", "_pin", "_public_key", "_token")

    def __init__(self, name: TokenKeyName, pin: Callable[[], str]) -> None:
        self._name = name
        self._pin = pin
        self._key: pkcs11.SignMixin | None = None
        try:
            self._token = _TOKENS.token(name)
            with self._token.turn:
                self._key = self._private_key()
                self._public_key = PublicKey(ED25519, _point(self._find(pkcs11.ObjectClass.PUBLIC_KEY)))
        except pkcs11.PKCS11Error as error:
            raise self._failure(error) from None

    @property
    def public_key(self) -> PublicKey:
        """The key under which the signatures verify."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """Return the token's 64-byte signature over exactly these bytes, verified under the public key.

        Raises:
            ConfigError: the token is away, or does not sign with this key.
        """
        with self._token.turn:
            try:
                signature = self._signature(message)
            except pkcs11.PKCS11Error as error:
                raise self._failure(error) from None
        try:
            verify(self._public_key.raw, message, signature)
        except SignatureError:
            raise ConfigError(f"{self._what}: it signs under another key than its public key") from None
        return signature

    def _signature(self, message: bytes) -> bytes:
        try:
            return self._sign_once(message)
        except _SESSION_ENDED:
            self._key = None
            self._token.forget_session()
            return self._sign_once(message)

    def _sign_once(self, message: bytes) -> bytes:
        if self._key is None:
            self._key = self._private_key()
        return self._key.sign(message, mechanism=pkcs11.Mechanism.EDDSA)

    def _private_key(self) -> pkcs11.SignMixin:
        key = self._find(pkcs11.ObjectClass.PRIVATE_KEY)
        if not isinstance(key, pkcs11.SignMixin):
            raise ConfigError(f"{self._what}: it is not for signatures (CKA_SIGN)")
        return key

    def _find(self, object_class: pkcs11.ObjectClass) -> pkcs11.Key:
        session = self._token.session(self._pin)
        return session.get_key(
            object_class=object_class, key_type=pkcs11.KeyType.EC_EDWARDS, label=self._name.label, id=self._name.id
        )

    @property
    def _what(self) -> str:
        """The key, for errors."""
        token = self._name.token or (self._name.serial or b"").decode(errors="replace")
        key = self._name.label or (self._name.id or b"").hex()
        return f"the key {key} of the token {token}"

    def _failure(self, error: pkcs11.PKCS11Error) -> ConfigError:
        known = next((words for kind, words in _WORDS.items() if isinstance(error, kind)), None)
        return ConfigError(f"{self._what}: {known or str(error) or type(error).__name__}")


def open_token_signer(uri: str, secret: SecretPrompt | None) -> TokenSigner:
    """Return the signer of a PKCS#11 URI.

    Args:
        uri: RFC 7512, with ``module-path`` and ``pin-source`` at most (``client_sdk.signers.pkcs11_uri``).
        secret: asked for the PIN where the URI names no file with it.

    Raises:
        ConfigError: there is no such library, token or Ed25519 key, or the PIN is wrong, missing or locked.
    """
    name = parse_pkcs11_uri(uri)

    def pin() -> str:
        if name.pin_file is not None:
            given = read_private(name.pin_file).removesuffix(b"\n").removesuffix(b"\r")
        elif secret is not None:
            given = secret(uri)
        else:
            raise ConfigError("the key's token wants a PIN, and it was not given: name a file by pin-source=file:/PATH")
        if not 0 < len(given) <= _MAX_PIN_BYTES or not given.isascii():
            raise ConfigError(f"a PIN is one line of 1 to {_MAX_PIN_BYTES} ASCII characters")
        return given.decode()

    if not name.module.is_file():
        raise ConfigError(f"there is no PKCS#11 library {name.module}")
    return TokenSigner(name, pin)


def _point(key: pkcs11.Key) -> bytes:
    """Return the raw public key, which tokens hand out bare or in an OCTET STRING."""
    point = bytes(key[pkcs11.Attribute.EC_POINT])
    raw = point.removeprefix(_POINT_HEADER) if len(point) == PUBLIC_KEY_BYTES + len(_POINT_HEADER) else point
    if len(raw) != PUBLIC_KEY_BYTES:
        raise ConfigError("the token's public key is no Ed25519 key")
    return raw
