"""People whose faces open doors, and their consent. No faceprint counts without both.

A person's key (PersonKey) seals their photographs; see vault.py and erasure.py for what its loss means.
"""

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
    """Personal data: badge number, name, department. Emptied by erasure; the bare key stays."""

    badge = models.CharField(
        _("badge number"),
        max_length=40,
        validators=[RegexValidator(r"^[\w.\-/]+\Z", _("Letters, digits and . - _ / only."))],
        help_text=_("As printed on the badge. Leading zeros count."),
    )
    name = models.CharField(_("name"), max_length=160)
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
    demo = models.BooleanField(_("demo"), default=False, editable=False)
    erased = models.DateTimeField(_("erased"), null=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "badge"]
        permissions = [("reach_everybody", "Can see the working time of everybody, in all departments")]
        constraints = [models.UniqueConstraint(Lower("badge"), name="one_person_per_badge")]

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

    version = models.CharField(_("version"), max_length=40, unique=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    body = models.TextField(_("text"))
    for_access = models.BooleanField(_("covers doors"), default=True)
    for_attendance = models.BooleanField(_("covers attendance"), default=True)
    published = models.DateTimeField(_("published"), auto_now_add=True)

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        ordering = ["-published"]

    def __str__(self) -> str:
        return f"{self.version} ({self.language})"


class Consent(models.Model):
    """Personal data: that a person agreed, to which words, when, noted by whom. Kept as proof."""

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="consents"
    )
    text = models.ForeignKey(ConsentText, verbose_name=_("text"), on_delete=models.PROTECT)
    given = models.DateTimeField(_("given"), default=timezone.now)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("noted by"), null=True, blank=True, on_delete=models.SET_NULL
    )
    withdrawn = models.DateTimeField(_("withdrawn"), null=True, blank=True)

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


def key_of(person: Person) -> bytes:
    """The person's wrapped key, made on first need. Two first needs at once share one key."""
    key, _made = PersonKey.objects.get_or_create(person=person, defaults={"wrapped": vault.new_wrapped_key()})
    return bytes(key.wrapped)


def has_consent(person: Person) -> bool:
    return person.consents.filter(withdrawn__isnull=True).exists()


def consent_in_force(person: Person) -> ConsentText | None:
    """The words this person agreed to and has not withdrawn."""
    return ConsentText.objects.filter(consent__person=person, consent__withdrawn__isnull=True).first()


@transaction.atomic
def note_consent(person: Person, text: ConsentText, *, by: object = None) -> Consent:
    """The consent in force for these words; an older one to other words is closed.

    Raises Person.DoesNotExist for somebody erased.
    """
    Person.objects.select_for_update().get(pk=person.pk, erased=None)
    current = person.consents.filter(withdrawn__isnull=True).first()
    if current and current.text_id == text.pk:
        return current
    if current:
        current.withdrawn = timezone.now()
        current.save(update_fields=["withdrawn"])
    consent = Consent.objects.create(
        person=person, text=text, noted_by=by if isinstance(by, models.Model) else None
    )
    audit.record("consent.given", person, by=by, text=text.version)
    return consent


@transaction.atomic
def withdraw_consent(person: Person, *, by: object = None) -> int:
    """How many consents ended. The next search no longer sees the person's faceprints."""
    ended = person.consents.filter(withdrawn__isnull=True).update(withdrawn=timezone.now())
    if ended:
        audit.record("consent.withdrawn", person, by=by)
    return ended


@transaction.atomic
def suspend(person: Person, *, by: object = None) -> None:
    """The person is refused from the next decision on; decisions read this row when they are made."""
    person.active = False
    person.save(update_fields=["active"])
    audit.record("person.suspended", person, by=by)


@transaction.atomic
def reactivate(person: Person, *, by: object = None) -> None:
    """The person is let in again from the next decision on, as far as consent and galleries allow."""
    person.active = True
    person.save(update_fields=["active"])
    audit.record("person.reactivated", person, by=by)
