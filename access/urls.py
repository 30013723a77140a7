"""The map of the site."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from access import health
from access.admin import find, live, reports, sign_in
from access.privacy import pages

wrap = admin.site.admin_view


def icon(request: HttpRequest) -> HttpResponseRedirect:
    """Where browsers look for one by themselves, for answers that name none: files, JSON, errors."""
    return HttpResponseRedirect(static("access/icon.svg"))


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/login/", sign_in.sign_in, name="sign_in"),
    path("admin/code/", sign_in.code, name="code"),
    path("admin/second-factor/", sign_in.second_factor, name="second_factor"),
    path("admin/again/", sign_in.again, name="again"),
    path("admin/leave/", sign_in.leave, name="leave"),
    path("admin/live/", live.live, name="live"),
    path("admin/reports/", wrap(reports.index), name="reports"),
    path("admin/reports/saved/<int:pk>/forget/", wrap(reports.forget), name="report_forget"),
    path("admin/reports/muster/<int:site>/", wrap(reports.muster), name="muster"),
    path("admin/reports/<slug:key>/", wrap(reports.show), name="report"),
    path("admin/reports/<slug:key>/keep/", wrap(reports.keep), name="report_keep"),
    path("admin/find/", wrap(find.find), name="find"),
    path("admin/", admin.site.urls),
    path("api/", include("access.api.urls")),
    path("kiosk/", include("access.kiosk.urls")),
    path("privacy/", pages.privacy, name="privacy"),
    path("enrol/more/", pages.more, name="enrol_more"),
    path("enrol/result/", pages.result, name="enrol_result"),
    path("enrol/thanks/", pages.thanks, name="enrol_thanks"),
    path("enrol/<str:token>/", pages.enrol, name="enrol"),
    path("enrol/<str:token>/send/", pages.send, name="enrol_send"),
    path("iclock/", include("access.terminals.urls")),
    path("favicon.ico", icon, name="icon"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
handler400 = "access.api.errors.bad_request"
handler404 = "access.api.errors.not_found"
handler500 = "access.api.errors.server_error"
