"""Staff: people with a login. Somebody at a door needs none."""

import secrets
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Staff(AbstractUser):
    """Personal data: name, e-mail, password hash, roles. Deleted by an administrator."""

    # Without choices in the table: a new role needs no migration, and one that is gone gives nothing.
    roles = ArrayField(models.CharField(max_length=20), verbose_name=_("roles"), default=list, blank=True)
    # Of a login that a program acts for (programs.py): the rights it may use, and the program's key.
    limited_to: frozenset[str] | None = None
    acts_by = ""

    class Meta(AbstractUser.Meta):
        verbose_name = _("member of staff")
        verbose_name_plural = _("staff")

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """As Django asks; of a program only what its own roles allow as well."""
        if self.limited_to is not None and perm not in self.limited_to:
            return False
        return super().has_perm(perm, obj)


def first_admin() -> tuple[str, str] | None:
    """A generated login for a system that has none yet, to be shown once; None if there is one."""
    if Staff.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    Staff.objects.create_superuser("admin", password=password)
    return "admin", password
