"""The user's keys: from the environment or the keyring, to the one host they are meant for."""

from __future__ import annotations

import os

from artcurate.errors import UsageError
from artcurate.net.secret import Secret

AIHUB_VARIABLE = "AIHUB_APIKEY"
_KEYRING_SERVICE = "artcurate"
_KEYRING_USER = "aihub"


def aihub_key() -> Secret:
    """The user's key for AI Hub, from `AIHUB_APIKEY` or else the keyring.

    Raises UsageError where there is none, or it cannot be one.
    """
    value = (os.environ.get(AIHUB_VARIABLE) or _from_keyring() or "").strip()
    if not value:
        raise UsageError(
            f"AI Hub wants your key: set {AIHUB_VARIABLE}, or store it once with "
            f"`keyring set {_KEYRING_SERVICE} {_KEYRING_USER}`. Your page at "
            "https://www.aihub.or.kr issues it; keep it out of command lines."
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(f"{AIHUB_VARIABLE} holds characters that no key has; copy the key again.")
    return Secret(value)


def _from_keyring() -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(_KEYRING_SERVICE, _KEYRING_USER)
    except KeyringError:
        return None
