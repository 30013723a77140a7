"""Galleries (named sets of people) and faceprints (their enrolled vectors): whom a face resembles.

Stored vectors are turned by a secret orthogonal matrix (see workers/turning.py), so a stolen table
matches nothing; inner products, and so this search, are unchanged by it. Only faceprints of one model
and one turn are ever compared, and only those of active people with consent can be found at a door.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _
from pgvector import HalfVector
from pgvector.django import HalfVectorField

from access import audit, vault
from access.people import Person
from access.places import Site

# How many faceprints an approximate search fetches before people are told apart. Far more than the
# few photographs of one person, so that the runner-up is always another person.
APPROXIMATE_DEPTH = 200
# Each with each grows with the square: 500 faceprints of 128 numbers took 0.2 s here, 1,500 took 3 s.
MOST_COMPARED = 1_500


class Gallery(models.Model):
    """Personal data: membership. Rows go with the person."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    sites = models.ManyToManyField(
        Site,
        verbose_name=_("sites"),
        blank=True,
        related_name="galleries",
        help_text=_("Kiosks of these sites search here."),
    )
    people = models.ManyToManyField(Person, verbose_name=_("people"), blank=True, related_name="galleries")
    demo = models.BooleanField(_("demo"), default=False, editable=False)

    class Meta:
        verbose_name = _("gallery")
        verbose_name_plural = _("galleries")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Turn(models.Model):
    """The secret behind one turning of all vectors, wrapped by the master key. No personal data."""

    wrapped = models.BinaryField()
    current = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        constraints = [
            models.UniqueConstraint("current", condition=models.Q(current=True), name="one_current_turn")
        ]

    def __str__(self) -> str:
        return f"turn:{self.pk}"


class Faceprint(models.Model):
    """Personal data: biometric. Deleted at erasure and when the photograph is withdrawn."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.CASCADE, related_name="faceprints"
    )
    photograph = models.OneToOneField(
        "access.Photograph", null=True, on_delete=models.CASCADE, related_name="faceprint"
    )
    model = models.CharField(_("model"), max_length=80)
    turn = models.ForeignKey(Turn, on_delete=models.PROTECT)
    # Half precision keeps a row out of TOAST: an exact scan is five to ten times faster than over
    # `vector`, and the rounding moves a score by less than 1e-3.
    vector = HalfVectorField()
    quality = models.FloatField(_("quality"), null=True)
    active = models.BooleanField(_("active"), default=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("faceprint")
        verbose_name_plural = _("faceprints")
        indexes = [
            models.Index(fields=["model", "turn"], condition=models.Q(active=True), name="faceprints_in_use")
        ]

    def __str__(self) -> str:
        return f"faceprint:{self.pk}"


@dataclass(frozen=True)
class Neighbour:
    """A person and their best faceprint's cosine similarity to the face in question, from -1 to 1."""

    person: int
    score: float


@dataclass(frozen=True)
class Search:
    """The nearest people, best first, and how many faceprints were compared."""

    neighbours: tuple[Neighbour, ...]
    size: int


# Two searches share every rule but who may be found: at a door the people of the site's galleries,
# active and consenting; at enrolment everybody else, so that nobody is enrolled twice.
_AT_DOOR = """
    p.active AND p.erased IS NULL
    AND EXISTS (SELECT 1 FROM access_consent c WHERE c.person_id = p.id AND c.withdrawn IS NULL)
    AND EXISTS (SELECT 1 FROM access_gallery_people gp JOIN access_gallery_sites gs USING (gallery_id)
                WHERE gp.person_id = p.id AND gs.site_id = %(scope)s)
"""
_AT_ENROLMENT = "p.erased IS NULL AND p.id <> %(scope)s"

_EXACT = """
    SELECT f.person_id, max(-(f.vector <#> %(vector)s::halfvec)), sum(count(*)) OVER ()
    FROM access_faceprint f JOIN access_person p ON p.id = f.person_id
    WHERE f.active AND f.model = %(model)s AND f.turn_id = %(turn)s AND {scope}
    GROUP BY f.person_id ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""
_APPROXIMATE = """
    SELECT near.person_id, max(near.score),
           (SELECT count(*) FROM access_faceprint WHERE active AND model = %(model)s)
    FROM (
        SELECT f.person_id, -(f.vector::halfvec({dimensions}) <#> %(vector)s::halfvec({dimensions})) AS score
        FROM access_faceprint f JOIN access_person p ON p.id = f.person_id
        WHERE f.active AND f.model = %(model)s AND f.turn_id = %(turn)s AND {scope}
        ORDER BY f.vector::halfvec({dimensions}) <#> %(vector)s::halfvec({dimensions}) LIMIT %(depth)s
    ) near
    GROUP BY near.person_id ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""


def nearest(
    vector: Sequence[float], *, model: str, turn: int, site: int, limit: int = 5, method: str = ""
) -> Search:
    """The people of a site whose faces are nearest to an already turned vector."""
    return _search(
        vector,
        model=model,
        turn=turn,
        where=_AT_DOOR,
        scope=site,
        limit=limit,
        method=method or settings.SEARCH,
    )


def nearest_other(vector: Sequence[float], *, model: str, turn: int, person: int) -> Search:
    """The nearest people anywhere who are not this person, active or not: for finding double enrolments."""
    return _search(vector, model=model, turn=turn, where=_AT_ENROLMENT, scope=person, limit=5, method="exact")


def _search(
    vector: Sequence[float], *, model: str, turn: int, where: str, scope: int, limit: int, method: str
) -> Search:
    template = _APPROXIMATE if method == "hnsw" else _EXACT
    sql = template.format(scope=where, dimensions=len(vector))
    values = {
        "vector": HalfVector(list(vector)).to_text(),
        "model": model,
        "turn": turn,
        "scope": scope,
        "limit": limit,
        "depth": APPROXIMATE_DEPTH,
    }
    with transaction.atomic() if method == "hnsw" else nullcontext(), connection.cursor() as cursor:
        if method == "hnsw":
            # Without the iterative scan a small site inside a large index comes back short.
            cursor.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(APPROXIMATE_DEPTH)])
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    return Search(
        tuple(Neighbour(person, score) for person, score, _n in rows), int(rows[0][2]) if rows else 0
    )


_SIZE = """
    SELECT count(*) FROM access_faceprint f JOIN access_person p ON p.id = f.person_id
    WHERE f.active AND f.model = %(model)s AND f.turn_id = (SELECT id FROM access_turn WHERE current)
    AND {scope}
"""


def size_at(site: int, *, model: str) -> int:
    """How many faceprints a search at this site compares, as `nearest` reports it."""
    if settings.SEARCH == "hnsw":
        return Faceprint.objects.filter(active=True, model=model).count()
    return _findable(site, model=model)


def _findable(site: int, *, model: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SIZE.format(scope=_AT_DOOR), {"model": model, "scope": site})
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class LookAlikes:
    """Two different people and the highest cosine similarity between their faceprints, from -1 to 1."""

    first: int
    second: int
    score: float


class TooMany(Exception):
    """More faceprints than may be compared each with each while somebody waits."""


_LOOK_ALIKES = """
    WITH found AS MATERIALIZED (
        SELECT f.person_id, f.vector FROM access_faceprint f JOIN access_person p ON p.id = f.person_id
        WHERE f.active AND f.model = %(model)s AND f.turn_id = (SELECT id FROM access_turn WHERE current)
        AND {scope}
    )
    SELECT a.person_id, b.person_id, max(-(a.vector <#> b.vector))
    FROM found a JOIN found b ON a.person_id < b.person_id
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(limit)s
"""


def look_alikes(site: int, *, model: str, limit: int = 100) -> tuple[LookAlikes, ...]:
    """The pairs of people of a site whose faces are nearest, nearest first. Exact.

    Only people that can be found at a door of the site. Raises TooMany beyond MOST_COMPARED faceprints.
    """
    if _findable(site, model=model) > MOST_COMPARED:
        raise TooMany
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_ALIKES.format(scope=_AT_DOOR), {"model": model, "scope": site, "limit": limit})
        return tuple(LookAlikes(*row) for row in cursor.fetchall())


def current_turn() -> tuple[int, bytes]:
    """The turn now in use: its key in the table and its secret. The first call makes the first one."""
    turn = Turn.objects.filter(current=True).first()
    if turn is None:
        with transaction.atomic():
            # Two first callers at once: the constraint lets one in, both read the same row.
            Turn.objects.bulk_create([Turn(wrapped=vault.new_wrapped_key())], ignore_conflicts=True)
        turn = Turn.objects.get(current=True)
    return turn.pk, vault.unwrap(turn.wrapped)


def add(
    person: Person,
    vector: Sequence[float],
    *,
    model: str,
    turn: int,
    quality: float | None,
    photograph_id: int | None,
) -> Faceprint:
    """Store one turned vector, not yet active: enrolment switches it on once the whole set is agreed."""
    return Faceprint.objects.create(
        person=person,
        vector=HalfVector(list(vector)),
        model=model,
        turn_id=turn,
        quality=quality,
        photograph_id=photograph_id,
    )


def retire(faceprints: models.QuerySet[Faceprint], *, by: object = None) -> int:
    """Delete faceprints, and say so in the trail per person."""
    counts = dict(faceprints.values_list("person").annotate(n=models.Count("id")))
    faceprints.delete()
    for person, count in counts.items():
        audit.record("faceprints.deleted", f"person:{person}", by=by, count=count)
    return sum(counts.values())
