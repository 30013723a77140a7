"""Where the kiosk page lives. Its service worker must stand above everything that it serves."""

from django.urls import path

from access.kiosk import pages

app_name = "kiosk"
urlpatterns = [
    path("", pages.page, name="page"),
    path("worker.js", pages.worker, name="worker"),
    path("finder.js", pages.finder, name="finder"),
    path("manifest.webmanifest", pages.manifest, name="manifest"),
    path("notice.svg", pages.notice_code, name="notice_code"),
    path("forget-login/", pages.forget_login, name="forget_login"),
]
