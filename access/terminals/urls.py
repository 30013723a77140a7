"""Where terminals knock: under /iclock, with or without the .aspx of older firmware."""

from django.urls import re_path

from access.terminals import protocol

app_name = "iclock"
urlpatterns = [
    re_path(rf"^{name}(?:\.aspx)?/?$", view.as_view(), name=name)
    for name, view in (
        ("cdata", protocol.CData),
        ("getrequest", protocol.GetRequest),
        ("devicecmd", protocol.DeviceCommand),
        ("registry", protocol.Registry),
        ("push", protocol.Push),
        ("ping", protocol.Ping),
        ("fdata", protocol.Photographs),
    )
]
