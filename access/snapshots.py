"""What kiosks sent: one row per nonce, with its picture sealed until the decision is made.

Promise: what was answered 200 was first committed here. Workers claim a row before they look, so two
never look at once, and a picture that kills its worker is tried three times and no more.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import bursts, challenges, queue, vault
from access.bursts import Shot
from access.challenges import Asked
from access.doorbell import UNDECIDED, ring
from access.pepper import digest
from access.places import Direction, Kiosk

MOST_TRIES = 3
# A look takes tens of milliseconds; a claim this old belongs to a worker that died.
LEASE = timedelta(milliseconds=600)
# With frames beside the picture there is several times as much to look at.
FRAMES_LEASE = timedelta(seconds=3)
# An unclaimed snapshot this old was forgotten by the queue.
FORGOTTEN = timedelta(milliseconds=250)


class NonceReused(Exception):
    """The kiosk used a nonce again for another body."""


class UnknownStep(Exception):
    """The post carries on from a decision that this kiosk never got."""


class Snapshot(models.Model):
    """Personal data: time and place of an attempt. Its picture goes with the decision."""

    class Kind(models.TextChoices):
        SNAPSHOT = "snapshot", _("snapshot")
        CROP = "crop", _("crop")
        PASS = "pass", _("without a picture")
        OFFLINE = "offline", _("told later by the kiosk")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kiosk = models.ForeignKey(
        Kiosk, verbose_name=_("kiosk"), on_delete=models.CASCADE, related_name="snapshots"
    )
    nonce = models.UUIDField(_("nonce"))
    body_digest = models.BinaryField(max_length=32)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    direction = models.CharField(_("direction"), max_length=4, choices=Direction.choices)
    taken = models.DateTimeField(_("taken"))
    received = models.DateTimeField(_("received"))
    deadline = models.DateTimeField(_("deadline"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    claimed_until = models.DateTimeField(null=True)
    # The decision this one carries on from: a PIN or card for a face that was just seen.
    after = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="followed_by")

    class Meta:
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")
        ordering = ["-received"]
        constraints = [models.UniqueConstraint("kiosk", "nonce", name="one_snapshot_per_nonce")]
        indexes = [models.Index(fields=["-received"], name="snapshots_by_time")]

    def __str__(self) -> str:
        return f"snapshot:{self.pk}"


class SnapshotPicture(models.Model):
    """Personal data: biometric source. Sealed with a key of its own; deleted with the decision.

    A row exists exactly as long as its snapshot is undecided, so it is also the list of open work.
    """

    snapshot = models.OneToOneField(
        Snapshot, primary_key=True, on_delete=models.CASCADE, related_name="picture"
    )
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()
    # Card, badge and PIN as sent, under the same key; and the frames sent beside the picture, with what was
    # asked of whoever is in them.
    credentials = models.BinaryField(null=True)
    frames = models.BinaryField(null=True)
    asked = models.JSONField(null=True)

    class Meta:
        verbose_name = _("snapshot picture")
        verbose_name_plural = _("snapshot pictures")

    def __str__(self) -> str:
        return f"picture of snapshot:{self.pk}"


@dataclass(frozen=True)
class Credentials:
    """What a kiosk sent beside a picture, or without one. Never shown, logged or stored in the clear."""

    card: str = field(default="", repr=False)
    badge: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.card or self.badge or self.pin)


@dataclass(frozen=True)
class Burst:
    """The frames sent beside a picture, and what they answer: nothing, where nothing was asked in time."""

    shots: tuple[Shot, ...]
    asked: Asked | None


@dataclass(frozen=True)
class Sent:
    """What a kiosk posted, already validated. Without an image it is a pass: a card, or badge and PIN.

    `after` is the decision it carries on from, with a PIN or card for the face that was seen then.
    """

    image: bytes | None = field(repr=False)
    kind: str
    taken: datetime
    nonce: uuid.UUID
    direction: str | None = None
    credentials: Credentials = Credentials()
    after: uuid.UUID | None = None
    frames: tuple[Shot, ...] = ()

    def digest(self) -> bytes:
        """Equal only for the same body: each part is preceded by its length.

        Keyed where a PIN or card is in it, or whoever steals the table could try all PINs.
        """
        parts = [
            self.image or b"",
            self.kind.encode(),
            self.taken.isoformat().encode(),
            (self.direction or "").encode(),
        ]
        if self.after is not None:
            parts.append(self.after.bytes)
        if self.credentials:
            parts.append(digest("body", json.dumps(asdict(self.credentials))))
        if self.frames:
            parts += [b"frames", bursts.pack(self.frames)]
        sha = hashlib.sha256()
        for part in parts:
            sha.update(len(part).to_bytes(8, "big") + part)
        return sha.digest()


def receive(kiosk: Kiosk, sent: Sent) -> tuple[Snapshot, bool]:
    """The committed snapshot for this nonce, and whether it is new: a repeat changes nothing.

    Raises NonceReused if the nonce belongs to another body, UnknownStep if `after` is not this kiosk's.
    """
    received = timezone.now()
    if sent.after and not Snapshot.objects.filter(pk=sent.after, kiosk=kiosk).exists():
        raise UnknownStep
    body = sent.digest()
    snapshot = Snapshot(
        kiosk=kiosk,
        nonce=sent.nonce,
        body_digest=body,
        after_id=sent.after,
        kind=sent.kind,
        direction=sent.direction or kiosk.direction,
        taken=sent.taken,
        received=received,
        deadline=received + timedelta(milliseconds=kiosk.door.deadline_ms),
    )
    with quick_commit():
        # The constraint settles the race of two equal posts: the second insert does nothing.
        Snapshot.objects.bulk_create([snapshot], ignore_conflicts=True)
        first = Snapshot.objects.select_related("kiosk__door__site").get(kiosk=kiosk, nonce=sent.nonce)
        if first.pk == snapshot.pk and sent.image is not None:
            asked = challenges.take(kiosk, sent.nonce, at=received) if sent.frames else None
            _seal(first, sent, asked)
    if bytes(first.body_digest) != body:
        raise NonceReused
    return first, first.pk == snapshot.pk


def _seal(snapshot: Snapshot, sent: Sent, asked: Asked | None) -> None:
    wrapped = vault.new_wrapped_key()

    def sealed(data: bytes, what: str = "") -> bytes:
        return vault.seal(data, wrapped_key=wrapped, about=f"snapshot:{snapshot.pk}{what}")

    words = json.dumps(asdict(sent.credentials)).encode()
    SnapshotPicture.objects.create(
        snapshot=snapshot,
        wrapped_key=wrapped,
        sealed=sealed(sent.image or b""),
        credentials=sealed(words, ":credentials") if sent.credentials else None,
        frames=sealed(bursts.pack(sent.frames), ":frames") if sent.frames else None,
        asked=asdict(asked) if asked else None,
    )


def credentials_of(picture: SnapshotPicture | None) -> Credentials:
    """What was sent beside a picture that is still undecided."""
    if picture is None or picture.credentials is None:
        return Credentials()
    about = f"snapshot:{picture.pk}:credentials"
    return Credentials(
        **json.loads(vault.unseal(picture.credentials, wrapped_key=picture.wrapped_key, about=about))
    )


def tell_workers(snapshot: Snapshot) -> None:
    """Ask through the broker; if it is down, ring, so that a worker looks into the table at once."""
    left = (snapshot.deadline - timezone.now()).total_seconds()
    if not queue.send(queue.IDENTIFY, snapshot.pk, expires_seconds=max(left, 0.1)):
        ring(UNDECIDED, snapshot.pk)


_CLAIM = """
    UPDATE access_snapshot SET tries = tries + 1, claimed_until = %(now)s + open.lease
    FROM (
        SELECT s.id, CASE WHEN w.frames IS NULL THEN %(lease)s ELSE %(frames_lease)s END AS lease
        FROM access_snapshotpicture w JOIN access_snapshot s ON s.id = w.snapshot_id
        WHERE {which} AND (s.claimed_until IS NULL OR s.claimed_until < %(now)s)
        ORDER BY s.received LIMIT 1 FOR UPDATE OF s SKIP LOCKED
    ) AS open
    WHERE access_snapshot.id = open.id RETURNING access_snapshot.id, tries
"""


def claim(snapshot_id: object) -> int | None:
    """Which try this is, or None if the snapshot is decided or somebody else is looking at it."""
    row = _claim("s.id = %(id)s", id=str(snapshot_id))
    return row[1] if row else None


def claim_forgotten(*, at_once: bool = False) -> tuple[uuid.UUID, int] | None:
    """The oldest undecided snapshot nobody looks at, and which try this is.

    The queue is given a moment first, unless the website rang because the broker was down. What is past
    its deadline is left to `overdue`: a look could no longer open anything and would keep others waiting.
    """
    waited = timedelta(0) if at_once else FORGOTTEN
    return _claim("s.received <= %(before)s AND s.deadline > %(now)s", before=timezone.now() - waited)


def _claim(which: str, **values: object) -> tuple[uuid.UUID, int] | None:
    values |= {"now": timezone.now(), "lease": LEASE, "frames_lease": FRAMES_LEASE}
    with quick_commit(), connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(which=which), values)
        return cursor.fetchone()


@contextmanager
def quick_commit() -> Iterator[None]:
    """A transaction whose commit is seen by all at once, but does not wait for the disk.

    Two of a decision's three commits can do without: a kiosk is answered only after `settle`, whose own
    commit waits, and takes everything before it to the disk. What a power cut loses was never answered.
    Inside a larger transaction that one decides.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
        yield


def picture_of(snapshot_id: object) -> bytes | None:
    """The picture as sent, or None if the snapshot has been decided meanwhile."""
    row = SnapshotPicture.objects.filter(pk=snapshot_id).first()
    if row is None:
        return None
    return vault.unseal(row.sealed, wrapped_key=row.wrapped_key, about=f"snapshot:{snapshot_id}")


def burst_of(snapshot_id: object) -> Burst | None:
    """The frames that came beside the picture; None if there were none, or it has been decided meanwhile."""
    row = SnapshotPicture.objects.defer("sealed").filter(pk=snapshot_id).first()
    if row is None or row.frames is None:
        return None
    about = f"snapshot:{snapshot_id}:frames"
    shots = bursts.unpack(vault.unseal(row.frames, wrapped_key=row.wrapped_key, about=about))
    asked = row.asked and Asked(**row.asked | {"colours": tuple(row.asked["colours"])})
    return Burst(shots, asked or None)


def overdue(now: datetime) -> Iterable[uuid.UUID]:
    """Undecided snapshots whose deadline has passed: their website died while waiting."""
    return SnapshotPicture.objects.filter(snapshot__deadline__lt=now).values_list("pk", flat=True)[:100]
