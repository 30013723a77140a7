"""The map of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from access import health
from access.kiosk import pages

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("api/", include("access.api.urls")),
    path("kiosk/", include("access.kiosk.urls")),
    path("privacy/", pages.privacy, name="privacy"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
handler400 = "access.api.errors.bad_request"
handler404 = "access.api.errors.not_found"
handler500 = "access.api.errors.server_error"
