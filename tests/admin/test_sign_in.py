"""Signing in: a password alone opens nothing where a second factor is set or demanded."""

import re
import time
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client
from django.urls import reverse

from access import backoff, signin
from access.models import AuditEntry, RecoveryCode, SecondFactor, Staff
from tests import factories

PASSWORD = "a long and winding password"
HOME = "/admin/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def alex() -> Staff:
    return Staff.objects.create_superuser("alex", password=PASSWORD)


def enter(client: Client, password: str = PASSWORD, name: str = "alex") -> Any:
    return client.post(f"{reverse('admin:login')}?next={HOME}", {"username": name, "password": password})


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


@pytest.fixture
def secret(alex: Staff) -> str:
    """Alex's second factor, confirmed in the past."""
    secret = signin.begin_factor(alex)
    signin.confirm_factor(alex, pyotp.TOTP(secret).now())
    SecondFactor.objects.update(last_step=0)
    return secret


def test_a_password_is_enough_where_no_second_factor_is_set_or_demanded(client: Client, alex: Staff) -> None:
    assert enter(client).headers["Location"] == HOME
    assert is_in(client)
    assert AuditEntry.objects.filter(action="staff.signed_in", subject=f"staff:{alex.pk}").count() == 1


def test_half_a_sign_in_opens_nothing(client: Client, secret: str) -> None:
    enter(client)
    assert not is_in(client)
    for address in (reverse("admin:access_person_changelist"), "/api/v1/punches/", reverse("again")):
        assert client.get(address).status_code in (302, 401, 403), address
    login = client.get(f"{reverse('admin:login')}?next=/admin/access/person/")
    assert login.headers["Location"] == f"{reverse('code')}?next=%2Fadmin%2Faccess%2Fperson%2F"


def test_the_code_completes_it_once(client: Client, secret: str) -> None:
    enter(client)
    code = pyotp.TOTP(secret).now()
    before = client.session.session_key
    answer = client.post(reverse("code"), {"code": f"{code[:3]} {code[3:]}", "next": "/admin/access/person/"})
    assert answer.headers["Location"] == "/admin/access/person/"
    assert is_in(client)
    assert client.session.session_key != before
    other = Client()
    enter(other)
    other.post(reverse("code"), {"code": code})
    assert not is_in(other)


def test_a_wrong_code_is_refused_and_noted(client: Client, secret: str) -> None:
    enter(client)
    right = pyotp.TOTP(secret).now()
    page = client.post(reverse("code"), {"code": f"{(int(right) + 1) % 1_000_000:06}"})
    assert "That code is not right" in page.content.decode()
    assert not is_in(client)
    assert AuditEntry.objects.filter(action="staff.sign_in_failed").exists()


def test_codes_of_other_times_are_refused(alex: Staff, secret: str) -> None:
    for seconds in (-120, -61, 61, 120):
        assert not signin.check_code(alex, pyotp.TOTP(secret).at(int(time.time()) + seconds))


def test_a_recovery_code_opens_once(client: Client, alex: Staff) -> None:
    secret = signin.begin_factor(alex)
    codes = signin.confirm_factor(alex, pyotp.TOTP(secret).now())
    assert codes is not None
    assert len(set(codes)) == signin.RECOVERY_CODES
    assert signin.check_code(alex, codes[0].upper())
    assert not signin.check_code(alex, codes[0])
    assert RecoveryCode.objects.exclude(used=None).count() == 1


def test_setting_it_up_shows_a_picture_and_then_the_recovery_codes_once(client: Client, alex: Staff) -> None:
    enter(client)
    page = client.get(reverse("second_factor"))
    assert b"data:image/svg" in page.content
    secret = signin.begin_factor(alex)
    done = client.post(reverse("second_factor"), {"code": pyotp.TOTP(secret).now()})
    assert len(done.context["codes"]) == signin.RECOVERY_CODES
    assert signin.has_factor(alex)
    assert is_in(client)
    assert b"data:image/svg" not in client.get(reverse("second_factor")).content


def test_an_unconfirmed_factor_is_not_asked_for(client: Client, alex: Staff) -> None:
    signin.begin_factor(alex)
    enter(client)
    assert is_in(client)


def test_where_it_is_demanded_it_must_be_set_up_first(client: Client, alex: Staff, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    enter(client)
    assert not is_in(client)
    assert client.get(reverse("code")).headers["Location"].startswith(reverse("second_factor"))
    secret = signin.begin_factor(alex)
    client.post(reverse("second_factor"), {"code": pyotp.TOTP(secret).now()})
    assert is_in(client)


def test_it_is_removed_by_its_own_code_only(client: Client, alex: Staff, secret: str) -> None:
    enter(client)
    client.post(reverse("code"), {"code": pyotp.TOTP(secret).now()})
    client.post(reverse("second_factor"), {"code": "000000"})
    assert signin.has_factor(alex)
    SecondFactor.objects.update(last_step=0)
    client.post(reverse("second_factor"), {"code": pyotp.TOTP(secret).now()})
    assert not signin.has_factor(alex)


def test_the_secret_is_sealed(alex: Staff, secret: str) -> None:
    row = SecondFactor.objects.get()
    assert secret.encode() not in bytes(row.sealed)
    assert secret not in repr(row)


def test_guessing_waits_and_the_right_password_waits_with_it(client: Client, alex: Staff) -> None:
    for _number in range(backoff.FREE_TRIES):
        enter(client, "wrong")
    page = enter(client)
    assert re.search(r"Too many tries\. Please wait (30|2\d) seconds\.", page.content.decode())
    assert not is_in(client)
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    enter(elsewhere)
    assert is_in(elsewhere)


def test_an_unknown_login_reads_like_a_wrong_password(client: Client, alex: Staff) -> None:
    def words(page: Any) -> list[str]:
        return [str(error) for error in page.context["form"].non_field_errors()]

    assert words(enter(client, "wrong")) == words(enter(client, "wrong", name="nobody"))


@pytest.mark.parametrize(
    ("key", "age"),
    [(signin.SEEN, signin.IDLE), (signin.BEGAN, signin.LONGEST)],
    ids=["idle", "old"],
)
def test_a_session_ends(client: Client, alex: Staff, key: str, age: timedelta) -> None:
    enter(client)
    assert is_in(client)
    session = client.session
    session[key] = int(time.time()) - int(age.total_seconds()) + 5
    session.save()
    assert is_in(client)
    session = client.session
    session[key] = int(time.time()) - int(age.total_seconds()) - 5
    session.save()
    assert not is_in(client)


def test_a_login_switched_off_is_out_at_once(client: Client, alex: Staff) -> None:
    enter(client)
    Staff.objects.update(is_active=False)
    assert not is_in(client)


def test_a_foreign_page_is_no_target(client: Client, alex: Staff, secret: str) -> None:
    enter(client)
    answer = client.post(
        reverse("code"), {"code": pyotp.TOTP(secret).now(), "next": "https://elsewhere.example/"}
    )
    assert answer.headers["Location"] == HOME


def test_half_a_sign_in_can_be_left(client: Client, secret: str) -> None:
    enter(client)
    client.post(reverse("leave"))
    assert client.get(reverse("code")).headers["Location"] == reverse("admin:login")


def test_one_s_own_other_session_is_not_proved_by_this_one(alex: Staff, secret: str) -> None:
    first, second = Client(), Client()
    enter(first)
    enter(second)
    first.post(reverse("code"), {"code": pyotp.TOTP(secret).now()})
    assert is_in(first)
    assert not is_in(second)


def test_erasing_asks_for_the_password_again(client: Client, alex: Staff) -> None:
    person = factories.person()
    erase = reverse("admin:access_person_erase", args=[person.pk])
    enter(client)
    assert client.get(erase).status_code == 200
    session = client.session
    session[signin.AGAIN] = int(time.time()) - int(signin.FRESH.total_seconds()) - 1
    session.save()
    asked = client.get(erase)
    assert asked.headers["Location"].startswith(reverse("again"))
    client.post(reverse("again"), {"password": "wrong", "next": erase})
    assert client.get(erase).status_code == 302
    assert client.post(reverse("again"), {"password": PASSWORD, "next": erase}).headers["Location"] == erase
    assert client.get(erase).status_code == 200


def test_an_empty_form_is_told_so_and_breaks_nothing(client: Client, db: None) -> None:
    answer = client.post("/admin/login/", {})
    assert answer.status_code == 200
    assert set(answer.context["form"].errors) == {"username", "password"}
