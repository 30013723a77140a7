"""Staff: people with a login. Somebody at a door needs none."""

import secrets

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Staff(AbstractUser):
    """Personal data: name, e-mail, password hash, roles. Deleted by an administrator."""

    # Without choices in the table: a new role needs no migration, and one that is gone gives nothing.
    roles = ArrayField(models.CharField(max_length=20), verbose_name=_("roles"), default=list, blank=True)

    class Meta(AbstractUser.Meta):
        verbose_name = _("member of staff")
        verbose_name_plural = _("staff")


def first_admin() -> tuple[str, str] | None:
    """A generated login for a system that has none yet, to be shown once; None if there is one."""
    if Staff.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    Staff.objects.create_superuser("admin", password=password)
    return "admin", password
