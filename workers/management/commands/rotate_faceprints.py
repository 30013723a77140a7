"""Give all faceprints a new secret turn, without any photograph."""

from typing import Any

import numpy as np
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from pgvector import HalfVector

from access import audit, vault
from access.gallery import Faceprint, Turn
from workers import turning

BATCH = 2000


class Command(BaseCommand):
    help = (
        "Turn every stored vector by a new secret, in one transaction, and destroy the old secret. "
        "Doors keep deciding by the old one until the moment of the switch. Use it when a copy of the "
        "database may have been seen together with its key, and as a routine."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            # Searches may go on reading; an enrolment that would still write the old turn waits.
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE access_faceprint IN SHARE ROW EXCLUSIVE MODE")
            olds = list(Turn.objects.select_for_update())
            Turn.objects.update(current=False)
            new = Turn.objects.create(wrapped=vault.new_wrapped_key())
            total = Faceprint.objects.exclude(turn=new).count()
            done = 0
            for old in olds:
                done = self._turn_all(old, new, done, total)
            Turn.objects.exclude(pk=new.pk).delete()
            audit.record("faceprints.rotated", new, by="command", count=total)
        self.stdout.write(self.style.SUCCESS(f"{total} faceprints turned anew; the old secret is destroyed."))

    def _turn_all(self, old: Turn, new: Turn, done: int, total: int) -> int:
        secrets = vault.unwrap(old.wrapped), vault.unwrap(new.wrapped)
        while rows := list(Faceprint.objects.filter(turn=old).order_by("model")[:BATCH]):
            model = rows[0].model
            batch = [row for row in rows if row.model == model]
            vectors = turning.turn_again(np.array([row.vector for row in batch], np.float32), *secrets)
            for row, vector in zip(batch, vectors, strict=True):
                row.vector, row.turn = HalfVector(vector.tolist()), new
            Faceprint.objects.bulk_update(batch, ["vector", "turn"], batch_size=200)
            done += len(batch)
            self.stdout.write(f"\r{done}/{total}", ending="\n" if done == total else "")
        return done
