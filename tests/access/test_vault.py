"""Sealing: what is stored opens with its own key, for its own row, unchanged, and not otherwise."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from access import gallery, people, snapshots, vault
from access.models import AuditEntry
from tests import factories
from tests.factories import Cast


@given(st.binary(max_size=4096), st.text(max_size=60))
def test_what_was_sealed_opens_again(data: bytes, about: str) -> None:
    key = vault.new_wrapped_key()
    sealed = vault.seal(data, wrapped_key=key, about=about)
    assert vault.unseal(sealed, wrapped_key=key, about=about) == data
    assert len(data) < 8 or data not in sealed


def test_nothing_is_sealed_twice_alike() -> None:
    key = vault.new_wrapped_key()
    assert vault.seal(b"face", wrapped_key=key, about="a") != vault.seal(b"face", wrapped_key=key, about="a")
    assert vault.new_wrapped_key() != vault.new_wrapped_key()


def sealed() -> tuple[bytes, bytes]:
    key = vault.new_wrapped_key()
    return vault.seal(b"a face", wrapped_key=key, about="person:1"), key


def test_another_key_does_not_open_it() -> None:
    content, _key = sealed()
    with pytest.raises(vault.Sealed):
        vault.unseal(content, wrapped_key=vault.new_wrapped_key(), about="person:1")


def test_another_row_does_not_open_it() -> None:
    content, key = sealed()
    with pytest.raises(vault.Sealed, match="person:2"):
        vault.unseal(content, wrapped_key=key, about="person:2")


@pytest.mark.parametrize("place", range(0, 34, 3))
def test_a_changed_bit_does_not_go_unnoticed(place: int) -> None:
    content, key = sealed()
    changed = bytearray(content)
    changed[place] ^= 1
    with pytest.raises(vault.Sealed):
        vault.unseal(bytes(changed), wrapped_key=key, about="person:1")


@pytest.mark.parametrize("length", [0, 1, 7, 11, 12, 13, 27])
def test_a_torn_piece_does_not_open(length: int) -> None:
    content, key = sealed()
    with pytest.raises(vault.Sealed):
        vault.unseal(content[:length], wrapped_key=key, about="person:1")


@pytest.mark.parametrize("wrapped", [b"", b"nonsense", b"\xff" * 100])
def test_a_wrapped_key_that_is_none_says_what_may_have_happened(wrapped: bytes) -> None:
    with pytest.raises(vault.Sealed, match="LINTEL_MASTER_KEYS"):
        vault.unwrap(wrapped)
    with pytest.raises(vault.Sealed, match="LINTEL_MASTER_KEYS"):
        vault.rewrap(wrapped)


def test_after_rotation_the_new_master_key_alone_opens_everything(settings: Any) -> None:
    content, key = sealed()
    old, new = settings.MASTER_KEYS[0], Fernet.generate_key().decode()
    settings.MASTER_KEYS = [new, old]
    rewrapped = vault.rewrap(key)
    settings.MASTER_KEYS = [new]
    assert vault.unwrap(rewrapped)
    assert vault.unseal(content, wrapped_key=rewrapped, about="person:1") == b"a face"
    with pytest.raises(vault.Sealed):
        vault.unwrap(key)


def test_no_exception_shows_a_key_or_the_content() -> None:
    content, key = sealed()
    with pytest.raises(vault.Sealed) as caught:
        vault.unseal(content, wrapped_key=key, about="person:2")
    shown = repr(caught.value) + str(caught.value.__cause__)
    assert vault.unwrap(key).hex() not in shown
    assert "a face" not in shown


@pytest.mark.django_db
def test_the_command_puts_every_kind_of_key_under_the_newest_master_key(cast: Cast, settings: Any) -> None:
    person_key = people.key_of(cast.alice)
    snapshot, _new = snapshots.receive(cast.kiosk, factories.sent())
    turn = gallery.current_turn()
    bare, picture = vault.unwrap(person_key), snapshots.picture_of(snapshot.pk)

    old, new = settings.MASTER_KEYS[0], Fernet.generate_key().decode()
    settings.MASTER_KEYS = [new, old]
    call_command("rotate_master_key", verbosity=0)
    settings.MASTER_KEYS = [new]
    assert vault.unwrap(people.key_of(cast.alice)) == bare
    assert snapshots.picture_of(snapshot.pk) == picture
    assert gallery.current_turn() == turn
    assert AuditEntry.objects.get(action="keys.rewrapped").details == {"count": 3}


def test_a_new_master_key_is_printed_and_works(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("new_master_key")
    settings.MASTER_KEYS = [capsys.readouterr().out.strip()]
    assert len(vault.unwrap(vault.new_wrapped_key())) == vault.KEY_BYTES
