"""The API's table of contents. A new version stands beside the old one; a reason never changes its string."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from access.api.attendance import Punches
from access.api.kiosk import Hello, Snapshots

app_name = "api"
urlpatterns = [
    path("v1/kiosk/", Hello.as_view(), name="kiosk"),
    path("v1/snapshots/", Snapshots.as_view(), name="snapshots"),
    path("v1/punches/", Punches.as_view(), name="punches"),
    path("v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
