"""People whose faces open doors, and their consent. No faceprint counts without both.

A person's key (PersonKey) seals their photographs; see vault.py and erasure.py for what its loss means.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access import audit, vault


class Department(models.Model):
    """No personal data of those who work there; names the logins that manage it."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    managers = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("managers"),
        blank=True,
        related_name="manages",
        help_text=_("They see the working time of this department and decide what is asked for in it."),
    )

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """Personal data: badge number, name, department, number in payroll. Emptied by erasure; the bare key
    stays."""

    badge = models.CharField(
        _("badge number"),
        max_length=40,
        validators=[RegexValidator(r"^[\w.\-/]+\Z", _("Letters, digits and . - _ / only."))],
        help_text=_("As printed on the badge. Leading zeros count."),
    )
    name = models.CharField(_("name"), max_length=160)
    payroll_number = models.CharField(
        _("number in payroll"),
        max_length=20,
        blank=True,
        validators=[RegexValidator(r"^[\w.\-/]+\Z", _("Letters, digits and . - _ / only."))],
        help_text=_("Where it differs from the badge number. Leading zeros count."),
    )
    department = models.ForeignKey(
        Department,
        verbose_name=_("department"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="people",
    )
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("manager"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="reports",
        help_text=_("Decides on leave and corrections of this person, besides the department's managers."),
    )
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Switch off to suspend: refused at every door at once.")
    )
    valid_from = models.DateField(
        _("may pass from"), null=True, blank=True, help_text=_("First day, in the zone of each site.")
    )
    valid_until = models.DateField(_("may pass until"), null=True, blank=True, help_text=_("Last day."))
    without_face = models.BooleanField(
        _("passes without a face"),
        default=False,
        help_text=_("A card, or badge number and PIN, in place of the face. Needs no consent."),
    )
    # The last day on which a door opened for this person; decisions themselves go much earlier than faces do.
    last_seen = models.DateField(_("last seen"), null=True, editable=False)
    # Since when `active` is off: from here on retention counts.
    suspended = models.DateTimeField(_("suspended since"), null=True, editable=False)
    demo = models.BooleanField(_("demo"), default=False, editable=False)
    erased = models.DateTimeField(_("erased"), null=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "badge"]
        permissions = [
            ("reach_everybody", "Can see the working time of everybody, in all departments"),
            ("disclose_person", "Can download all that is kept about a person"),
        ]
        constraints = [
            models.UniqueConstraint(Lower("badge"), name="one_person_per_badge"),
            models.UniqueConstraint(
                "payroll_number", condition=~models.Q(payroll_number=""), name="one_person_per_payroll_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.badge})"

    @property
    def first_name(self) -> str:
        return self.name.split(" ")[0]


class PersonKey(models.Model):
    """Personal data: a person's own key, wrapped. Erasure deletes the row; photographs become noise."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="key")
    wrapped = models.BinaryField()

    class Meta:
        verbose_name = _("person's key")
        verbose_name_plural = _("people's keys")

    def __str__(self) -> str:
        return f"key of person:{self.person_id}"


class ConsentText(models.Model):
    """What people agree to. No personal data; kept as long as a consent refers to it."""

    version = models.CharField(
        _("version"), max_length=40, help_text=_("The same for the same words in another language.")
    )
    language = models.CharField(
        _("language"), max_length=10, default="en", help_text=_("Two letters: en, de, fr, …")
    )
    body = models.TextField(_("text"))
    for_access = models.BooleanField(_("covers doors"), default=True)
    for_attendance = models.BooleanField(_("covers attendance"), default=True)
    published = models.DateTimeField(_("published"), auto_now_add=True)

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        ordering = ["-published"]
        constraints = [
            models.UniqueConstraint("version", "language", name="one_text_per_version_and_language")
        ]

    def __str__(self) -> str:
        return f"{self.version} ({self.language})"

    @property
    def purposes(self) -> str:
        """What it covers, in words."""
        named = ((self.for_access, _("doors")), (self.for_attendance, _("attendance")))
        return ", ".join(str(name) for covered, name in named if covered) or str(_("nothing"))


class Consent(models.Model):
    """Personal data: that a person agreed, to which words, when, how, noted by whom, and how it ended.

    Kept as proof; after its end as long as retention says (privacy/retention.py).
    """

    class Channel(models.TextChoices):
        OFFICE = "office", _("at the office")
        SELF = "self", _("by the person, with a link")
        COMMAND = "command", _("with a list")

    class Ending(models.TextChoices):
        WITHDRAWN = "withdrawn", _("withdrawn")
        REPLACED = "replaced", _("replaced by newer words")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="consents"
    )
    text = models.ForeignKey(ConsentText, verbose_name=_("text"), on_delete=models.PROTECT)
    given = models.DateTimeField(_("given"), default=timezone.now)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("noted by"), null=True, blank=True, on_delete=models.SET_NULL
    )
    channel = models.CharField(_("how"), max_length=10, choices=Channel.choices, default=Channel.OFFICE)
    # The end of this consent, whatever ended it.
    withdrawn = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    ending = models.CharField(_("ending"), max_length=10, choices=Ending.choices, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("ended by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-given"]
        constraints = [
            models.UniqueConstraint(
                "person", condition=models.Q(withdrawn__isnull=True), name="one_consent_in_force_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.text} · person:{self.person_id}"


def note_seen(person: Person, now: datetime) -> None:
    """A door opened for this person today. Written once a day."""
    today = now.astimezone(UTC).date()
    if person.last_seen != today:
        Person.objects.filter(pk=person.pk).update(last_seen=today)


def key_of(person: Person) -> bytes:
    """The person's wrapped key, made on first need. Two first needs at once share one key."""
    key, _made = PersonKey.objects.get_or_create(person=person, defaults={"wrapped": vault.new_wrapped_key()})
    return bytes(key.wrapped)


def has_consent(person: Person) -> bool:
    return person.consents.filter(withdrawn__isnull=True).exists()


def consent_in_force(person: Person) -> ConsentText | None:
    """The words this person agreed to and has not withdrawn."""
    return ConsentText.objects.filter(consent__person=person, consent__withdrawn__isnull=True).first()


def words_to_agree_to(language: str) -> ConsentText | None:
    """The newest text of this language, else of English, else of any. None: nothing was published."""
    newest = ConsentText.objects.order_by("-published", "-pk")
    return newest.filter(language=language).first() or newest.filter(language="en").first() or newest.first()


@transaction.atomic
def note_consent(
    person: Person, text: ConsentText, *, by: object = None, channel: str | None = None
) -> Consent:
    """The consent in force for these words; an older one to other words is closed.

    `channel` is how it came; by default the office where a login noted it, else a list.
    Raises Person.DoesNotExist for somebody erased.
    """
    staff = by if isinstance(by, models.Model) else None
    Person.objects.select_for_update().get(pk=person.pk, erased=None)
    current = person.consents.filter(withdrawn__isnull=True).first()
    if current and current.text_id == text.pk:
        return current
    if current:
        _end(person, Consent.Ending.REPLACED, staff)
    consent = Consent.objects.create(
        person=person,
        text=text,
        noted_by=staff,
        channel=channel or (Consent.Channel.OFFICE if staff else Consent.Channel.COMMAND),
    )
    audit.record("consent.given", person, by=by, text=text.version, language=text.language)
    return consent


def _end(person: Person, how: Consent.Ending, staff: models.Model | None) -> int:
    in_force = person.consents.filter(withdrawn__isnull=True)
    return in_force.update(withdrawn=timezone.now(), ending=how, ended_by=staff)


@transaction.atomic
def withdraw_consent(person: Person, *, by: object = None) -> int:
    """How many consents ended. The next search no longer sees the person's faceprints; the next night
    they and the photographs are deleted (privacy/retention.py)."""
    ended = _end(person, Consent.Ending.WITHDRAWN, by if isinstance(by, models.Model) else None)
    if ended:
        audit.record("consent.withdrawn", person, by=by)
    return ended


@transaction.atomic
def suspend(person: Person, *, by: object = None) -> None:
    """The person is refused from the next decision on; decisions read this row when they are made."""
    person.active, person.suspended = False, timezone.now()
    person.save(update_fields=["active", "suspended"])
    audit.record("person.suspended", person, by=by)


@transaction.atomic
def reactivate(person: Person, *, by: object = None) -> None:
    """The person is let in again from the next decision on, as far as consent and galleries allow."""
    person.active, person.suspended = True, None
    person.save(update_fields=["active", "suspended"])
    audit.record("person.reactivated", person, by=by)
