"""The form of a person, with a zone to drop photographs into that is a plain file input underneath."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from access import people, pictures
from access.gallery import Gallery
from access.people import ConsentText, Person
from access.pictures import PHOTOGRAPH, Unacceptable

MOST_FILES = 20


class DropZone(forms.FileInput):
    allow_multiple_selected = True
    template_name = "access/drop_zone.html"

    def __init__(self) -> None:
        super().__init__({"accept": "image/jpeg,image/png,image/webp"})


class PhotographsField(forms.FileField):
    """Cleans to a list of (file name, bytes). Every file that cannot be a photograph is named."""

    widget = DropZone

    def clean(self, data: Any, initial: Any = None) -> list[tuple[str, bytes]]:
        given = data if isinstance(data, list) else [data] if data else []
        if len(given) > MOST_FILES:
            raise ValidationError(_("At most %(most)d photographs at once."), params={"most": MOST_FILES})
        errors, files = [], []
        for file in given:
            content = file.read()
            try:
                pictures.measure(content, PHOTOGRAPH)
            except Unacceptable as error:
                errors.append(f"{file.name}: {error}")
            files.append((file.name, content))
        if errors:
            raise ValidationError(errors)
        return files


class PersonForm(forms.ModelForm):
    galleries = forms.ModelMultipleChoiceField(
        Gallery.objects.all(),
        label=_("Galleries"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Doors admit galleries. In none, the person is found nowhere."),
    )
    consent_text = forms.ModelChoiceField(
        ConsentText.objects.all(),
        label=_("Agreed to"),
        required=False,
        empty_label=_("Nothing new"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Choose the text this person agreed to. Noted with the time and your login."),
    )
    photographs = PhotographsField(
        label=_("Photographs"),
        required=False,
        help_text=_("JPEG, PNG or WebP, from the front, one face each. Three or more are best."),
    )

    class Meta:
        model = Person
        fields = [
            "badge", "name", "department", "manager", "payroll_number", "active",
            "valid_from", "valid_until", "without_face",
        ]  # fmt: skip

    # Set by the admin: a request larger than the memory for uploads arrives without its files.
    oversized = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "galleries" in self.fields:
            self.fields["galleries"].initial = list(self.instance.galleries.values_list("pk", flat=True))

    def clean_badge(self) -> str:
        badge = self.cleaned_data["badge"]
        if Person.objects.filter(badge__iexact=badge).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Somebody else has this badge number."))
        return badge

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("valid_from"), cleaned.get("valid_until")
        if first and last and last < first:
            self.add_error("valid_until", _("This is before the first day."))
        if self.oversized:
            most = settings.FILE_UPLOAD_MAX_MEMORY_SIZE // (1024 * 1024)
            where = "photographs" if "photographs" in self.fields else None
            self.add_error(where, _("Together at most %(most)d MB: choose fewer at once.") % {"most": most})
        agreed = cleaned.get("consent_text") or (self.instance.pk and people.has_consent(self.instance))
        if cleaned.get("photographs") and not agreed:
            where = "consent_text" if "consent_text" in self.fields else "photographs"
            self.add_error(where, _("Photographs need consent first: choose the text agreed to."))
        if self.errors and cleaned.get("photographs"):
            self.add_error(
                "photographs", _("Please choose the photographs again; browsers do not keep them.")
            )
        return cleaned


class EraseForm(forms.Form):
    """The badge number, typed: nobody erases the wrong person with one click."""

    badge = forms.CharField(
        label=_("Type the badge number to confirm"),
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, badge: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = badge

    def clean_badge(self) -> str:
        if self.cleaned_data["badge"] != self.expected:
            raise ValidationError(_("This is not the badge number of this person."))
        return self.cleaned_data["badge"]
