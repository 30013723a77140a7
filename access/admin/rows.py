"""Rows of another table inside a form."""

from typing import Any

from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.admin import TabularInline


class Rows(TabularInline):
    """Each field carries its column's name for whoever hears the page: the heading is far above it."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.can_delete_related = False  # as in every other form: see Audited
            widget = getattr(field.widget, "widget", field.widget)  # within its "add another" button
            widget.attrs.setdefault("aria-label", capfirst(field.label))
        return field
