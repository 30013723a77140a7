"""The optional approximate index for very large galleries: build it, drop it, prove its recall."""

from argparse import ArgumentParser
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from access import gallery
from access.gallery import Faceprint
from access.places import Site

# Measured for galleries of 100,000 and more: the usual 16/64 misses far too many neighbours.
LINKS, BUILD_DEPTH = 24, 128
# How far a new picture of a face lies from its enrolled vector: cosine about 0.7 for a unit vector.
NOISE = 1.0


class Command(BaseCommand):
    help = (
        "Exact search is the default and finds everybody. For very large galleries, `build` makes an HNSW "
        "index per model and `recall` compares it with exact search on disturbed copies of stored vectors. "
        "Set LINTEL_SEARCH=hnsw only if you accept what `recall` says: whoever is missed is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["build", "drop", "recall"])
        parser.add_argument(
            "--queries", type=int, default=1000, help="how many faces `recall` searches for (1000)"
        )
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        models = list(
            Faceprint.objects.filter(active=True).values_list("model", flat=True).distinct().order_by("model")
        )
        if not models:
            raise CommandError("There are no faceprints in use yet.")
        for model in models:
            if options["action"] == "recall":
                self._recall(model, options["queries"], options["seed"])
            else:
                self._index(model, build=options["action"] == "build")

    def _index(self, model: str, *, build: bool) -> None:
        name = connection.ops.quote_name(f"faceprints_hnsw_{model}"[:63])
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {name}")
            if build:
                dimension = len(Faceprint.objects.filter(active=True, model=model)[0].vector)
                literal = connection.cursor().mogrify("%s", [model])
                cursor.execute(
                    f"CREATE INDEX {name} ON access_faceprint USING hnsw "
                    f"((vector::halfvec({dimension})) halfvec_ip_ops) "
                    f"WITH (m = {LINKS}, ef_construction = {BUILD_DEPTH}) WHERE active AND model = {literal}"
                )
        self.stdout.write(f"{model}: index {'built' if build else 'dropped'}")

    def _recall(self, model: str, queries: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        keys = list(
            Faceprint.objects.filter(active=True, model=model).values_list("pk", flat=True).order_by("pk")
        )
        chosen = rng.choice(keys, size=min(queries, len(keys)), replace=False)
        sites = list(Site.objects.values_list("pk", flat=True))
        asked = same = 0
        for number, key in enumerate(chosen, start=1):
            row = Faceprint.objects.get(pk=int(key))
            stored = np.array(row.vector, np.float64)
            noise = rng.normal(size=stored.size)
            disturbed = stored + NOISE * noise / np.linalg.norm(noise)
            disturbed /= np.linalg.norm(disturbed)
            for site in sites:
                exact, near = (
                    gallery.nearest(
                        disturbed.tolist(), model=model, turn=row.turn_id, site=site, limit=1, method=method
                    )
                    for method in ("exact", "hnsw")
                )
                if exact.neighbours:
                    asked += 1
                    found = near.neighbours[0].person if near.neighbours else None
                    same += found == exact.neighbours[0].person
            if self.stdout.isatty():
                self.stdout.write(f"\r{number}/{len(chosen)}", ending="")
        if not asked:
            raise CommandError("No site has people of this model in its galleries.")
        self.stdout.write(
            f"\r{model}: recall@1 {same / asked:.4f} ({same} of {asked} searches; {len(keys)} faceprints)"
        )
