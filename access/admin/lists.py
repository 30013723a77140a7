"""The page that imports punches from a CSV: looked at first, booked when somebody says so."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from access.admin.audit import Audited
from access.admin.days import at_site
from access.places import Site
from access.terminals import lists

IMPORT = "access.add_punch"
# What travels through the browser between looking and booking; longer lists go by `manage.py import_punches`.
MOST_BYTES = 1024 * 1024
FIRST = 20
MOST_ERRORS = 200


class ListForm(forms.Form):
    """The file the first time, its text when it is booked."""

    site = forms.ModelChoiceField(
        Site.objects.all(),
        label=_("Site"),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Times without an offset are wall times of this site."),
    )
    days = forms.ChoiceField(
        label=_("Days with slashes"),
        choices=[
            ("iso", _("none: 2026-03-02 or 02.03.2026")),
            ("dmy", _("day first: 02/03/2026 is 2 March")),
            ("mdy", _("month first: 03/02/2026 is 2 March")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    file = forms.FileField(label=_("CSV file"), required=False, widget=UnfoldAdminFileFieldWidget)
    text = forms.CharField(required=False, widget=forms.HiddenInput, strip=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        file: UploadedFile | None = cleaned.get("file")
        data = file.read() if file else cleaned.get("text", "").encode()
        if not data:
            raise ValidationError({"file": _("Choose a file.")})
        if len(data) > MOST_BYTES:
            raise ValidationError(
                {"file": _("At most 1 MB here; manage.py import_punches takes longer lists.")}
            )
        if "site" in cleaned and "days" in cleaned:
            try:
                cleaned["sheet"] = lists.read(data, site=cleaned["site"], days=cleaned["days"])
            except lists.Unusable as error:
                raise ValidationError({"file": str(error)}) from error
        return cleaned


class ListImport(Audited):
    """The part of the punches' admin that imports."""

    def has_import_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm(IMPORT)

    @action(description=_("Import"), icon="upload", permissions=["import"], url_path="import")
    def import_list(self, request: HttpRequest) -> HttpResponse:
        """A file leads to what would be booked; that page's button books it."""
        form = ListForm(request.POST or None, request.FILES or None)
        shown: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            sheet: lists.Sheet = form.cleaned_data["sheet"]
            if request.POST.get("book"):
                made = lists.book(sheet, by=request.user)
                messages.success(request, _("Booked: %(count)d punches.") % {"count": made})
                return HttpResponseRedirect(self.url("changelist"))
            zone = form.cleaned_data["site"].zone
            file = form.cleaned_data["file"]
            file.seek(0)
            shown = {
                "sheet": sheet,
                "errors": sheet.errors[:MOST_ERRORS],
                "first": [(row, at_site(row.at, zone)) for row in sheet.new[:FIRST] if row.at],
                "text": lists.decoded(file.read()),
            }
        return self.page(request, "access/import.html", None, title=_("Import punches"), form=form, **shown)
