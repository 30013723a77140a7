"""Put every wrapped key under the newest master key."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import transaction

from access import audit, vault

# Whatever a table wraps by the master key stands in a field of this name; a test compares.
WRAPPED = ("wrapped", "wrapped_key")


class Command(BaseCommand):
    help = (
        "Wrap all keys anew by the first key of LINTEL_MASTER_KEYS. Put the new key first and keep the old "
        "one behind it, restart, run this, then drop the old key and restart. "
        "`manage.py new_master_key` makes a key."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            count = sum(
                self._rewrap(model, field.name)
                for model in apps.get_app_config("access").get_models()
                for field in model._meta.get_fields()
                if field.name in WRAPPED
            )
            audit.record("keys.rewrapped", "master_key", by="command", count=count)
        self.stdout.write(self.style.SUCCESS(f"{count} keys are now under the newest master key."))

    def _rewrap(self, model: Any, field: str) -> int:
        count = 0
        for row in model.objects.exclude(**{field: None}).select_for_update().iterator(chunk_size=500):
            setattr(row, field, vault.rewrap(getattr(row, field)))
            row.save(update_fields=[field])
            count += 1
        return count
