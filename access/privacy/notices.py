"""The privacy notice: who is responsible, in the words of the operator; all else from the settings in force.

Promise: the periods it names are those of the nightly job.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from access.people import ConsentText
from access.places import Site
from access.privacy import retention, words
from access.privacy.kinds import Kind


class Notice(models.Model):
    """What only the operator knows, in one language: who is responsible, whom to ask. No personal data of
    those who are recognised."""

    language = models.CharField(
        _("language"), max_length=2, primary_key=True, choices=list(words.LANGUAGES.items())
    )
    responsible = models.TextField(
        _("who is responsible"), help_text=_("Name and address of the company, as the law asks.")
    )
    contact = models.CharField(
        _("contact"), max_length=200, help_text=_("Whom people ask, and where they use their rights.")
    )
    more = models.TextField(
        _("what else must be said"),
        blank=True,
        help_text=_("For example the legal basis, the works agreement, the data protection authority."),
    )
    changed = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("privacy notice")
        verbose_name_plural = _("privacy notices")
        ordering = ["language"]

    def __str__(self) -> str:
        return words.LANGUAGES.get(self.language, self.language)


@dataclass(frozen=True)
class Kept:
    """A kind of data and how long it is kept, as people say it."""

    what: str
    long: str


def of(language: str) -> Notice | None:
    """The operator's words in this language, else in any."""
    return Notice.objects.filter(language=language).first() or Notice.objects.first()


def purposes(language: str) -> list[str]:
    """What the system is for at any of the sites."""
    sites = list(Site.objects.values_list("keeps_access", "keeps_attendance"))
    access = not sites or any(one for one, _other in sites)
    attendance = not sites or any(other for _one, other in sites)
    named = (("notice.why_access", access), ("notice.why_attendance", attendance))
    return [words.say(language, word) for word, there in named if there]


def kept(language: str) -> list[Kept]:
    """What is kept and for how long: what never changes, and what the table says now."""
    periods = retention.periods()
    pictures = periods.pop(Kind.PASSAGE_PICTURES) or None
    always = [
        Kept(words.say(language, f"kind.{kind}"), words.say(language, f"days.{days}"))
        for kind, days in (("pictures", "decision"), ("strangers", "never"))
    ]
    if pictures:
        kept_some = words.say(language, f"kind.{Kind.PASSAGE_PICTURES.value}")
        always[0] = Kept(kept_some, words.period(language, pictures))
    by_table = [
        Kept(
            words.say(language, f"kind.{kind.value}"),
            words.say(language, "days.consent") if days is None else words.period(language, days),
        )
        for kind, days in periods.items()
    ]
    audit = Kept(words.say(language, "kind.audit"), words.say(language, "days.kept"))
    return [*always, *by_table, audit]


def agreed_to(language: str) -> list[ConsentText]:
    """The newest consent text in the reader's language; where there is none, the newest of each language."""
    newest: dict[str, ConsentText] = {}
    for text in ConsentText.objects.order_by("published", "pk"):
        newest[text.language] = text
    return [newest[language]] if language in newest else [newest[name] for name in sorted(newest)]
