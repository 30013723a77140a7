"""Sealing: pictures and keys are stored only as ciphertext.

The master keys stay outside the database (settings.MASTER_KEYS, newest first). Each person has a key
of their own, wrapped by the master key; destroying that row makes the person's photographs unreadable
wherever that row is gone. A backup still holds the row of its day: see deploy/README.md for how long.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
KEY_BYTES = 32


class Sealed(Exception):
    """The ciphertext does not open: wrong key, or it was changed."""


def _master() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.MASTER_KEYS])


def new_wrapped_key() -> bytes:
    """A fresh 256-bit key, wrapped by the newest master key; the bare key is never stored."""
    return _master().encrypt(os.urandom(KEY_BYTES))


def unwrap(wrapped: bytes) -> bytes:
    """The bare key. Raises Sealed if no master key opens it."""
    try:
        return _master().decrypt(bytes(wrapped))
    except InvalidToken as error:
        raise Sealed("No master key opens this: was LINTEL_MASTER_KEYS changed without rotation?") from error


def rewrap(wrapped: bytes) -> bytes:
    """The same key under the newest master key."""
    try:
        return _master().rotate(bytes(wrapped))
    except InvalidToken as error:
        raise Sealed(
            "No master key opens this: keep the old key in LINTEL_MASTER_KEYS until done."
        ) from error


def seal(data: bytes, *, wrapped_key: bytes, about: str) -> bytes:
    """AES-256-GCM under a wrapped key, bound to a row's name, so that sealed rows cannot be swapped."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(unwrap(wrapped_key)).encrypt(nonce, data, about.encode())


def unseal(sealed: bytes, *, wrapped_key: bytes, about: str) -> bytes:
    """The opposite of seal. Raises Sealed if key, content or `about` differ."""
    sealed = bytes(sealed)
    try:
        return AESGCM(unwrap(wrapped_key)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: torn too short to hold a nonce
        raise Sealed(f"{about} does not open with its key.") from error
