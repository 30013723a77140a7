"""Who may open what: every address of the site, one row each. test_matrix.py asks them all.

Letters: e enroller, g guard, h HR, m manager, a auditor, p privacy officer, s security admin, n staff without
a role, x superuser, o nobody signed in, k a kiosk by its key. Where x may, so may w, a login with every right
given by hand that reaches its own departments alone; X is the superuser and nobody else.

A new address without a row fails. Give it one here, and a new table a row in world.py.
"""

from typing import NamedTuple


class Table(NamedTuple):
    """The pages of a table in the admin: list, page and history of a row; add; change; delete."""

    see: str
    add: str = ""
    change: str = ""
    delete: str = ""
    # About people: whoever reaches their own departments alone meets nobody else's rows.
    people: bool = False


# By the name of the table in its address: admin/access/person/.
TABLES = {
    "accesslevel": Table("asx", "sx", "sx", "sx"),
    "adjustment": Table("hmax", people=True),
    "alarm": Table("ghasx", people=True),
    "assignment": Table("hmax", "hx", "hx", "hx", people=True),
    "auditentry": Table("apsx"),
    "card": Table("asx", people=True),
    "consenttext": Table("ehapx", "px", "px", "px"),
    "correction": Table("hmax", "hmx", people=True),
    "decision": Table("ghasx", people=True),
    "delivery": Table("hasx"),
    "department": Table("ehmapsx", "hx", "hx", "hx", people=True),
    "dispute": Table("apsx", people=True),
    "door": Table("ghasx", "sx", "sx"),  # with decisions nobody deletes it, nor its kiosk
    "endpoint": Table("hasx", "sx", "sx", "sx"),
    "enrolment": Table("eapx", people=True),
    "gallery": Table("ehapsx", "sx", "sx", "sx"),
    "grant": Table("asx", "sx", "sx", "sx", people=True),
    "group": Table("X", "X", "X", "X"),
    "holiday": Table("hasx", "hsx", "hsx", "hsx"),
    "kiosk": Table("ghasx", "sx", "sx"),
    "leave": Table("hmax", "hmx", people=True),
    "leavebalance": Table("hmax", "hx", "hx", "hx", people=True),
    "leavetype": Table("hmax", "hx", "hx", "hx"),
    "notice": Table("apx", "px", "px", "px"),
    "offlineevent": Table("gasx", people=True),
    "outage": Table("hmax", "hmx", people=True),
    "overtimeapproval": Table("hmax", "hmx", "hmx", "hx", people=True),
    "pattern": Table("hmax", "hx", "hx", "hx"),
    "payrollexport": Table("haX", "hX"),
    "payrollperiod": Table("hax", "hx", "hx", "hx"),
    "payrollprofile": Table("hax", "hx", "hx", "hx"),
    "person": Table("eghmapsx", "ehx", "ehsx", people=True),
    "program": Table("hasx"),
    "proposal": Table("hmax", people=True),
    "punch": Table("hmax", people=True),
    "reportfile": Table("ghmasx"),
    "reportmail": Table("hmasx"),
    "reportschedule": Table("hmasx", "hmsx", "hmsx", "hmsx"),
    "retention": Table("apx", "", "px"),
    "rosterentry": Table("hmax", "hmx", "hmx", "hmx", people=True),
    "ruleset": Table("hmax", "hx", "hx", "hx"),
    "ruleversion": Table("hmax", "hx", "hx", "hx"),
    "schedule": Table("asx", "sx", "sx", "sx"),
    "shift": Table("hmax", "hx", "hx", "hx"),
    "site": Table("ghasx", "sx", "sx"),
    "staff": Table("asx", "sx", "sx", "x"),
    "sweep": Table("apx"),
    "terminal": Table("hasx", "sx", "sx"),
    "terminalline": Table("hasx"),
    "workday": Table("hmax", people=True),
    "zone": Table("gasx", "sx", "sx", "sx"),
}

EVERYBODY = "eghmapsnxok"
STAFF = "eghmapsnx"

# Addresses beside those; "POST " where the page answers to nothing else.
PAGES = {
    # Signing in and out. Who is signed in already is led on.
    "admin/login/": "ok",
    "admin/code/": "",
    "admin/second-factor/": STAFF,
    "admin/again/": STAFF,
    "admin/leave/": "",
    "admin/logout/": "",
    "admin/password_change/": STAFF,
    "admin/password_change/done/": STAFF,
    # The frame of the admin.
    "admin/": STAFF,
    "admin/live/": STAFF,
    "admin/find/": STAFF,
    "admin/search/": STAFF,
    "admin/jsi18n/": STAFF,
    "admin/autocomplete/": "",
    "admin/r/<path:content_type_id>/<path:object_id>/": "",
    "admin/^(?P<app_label>access|auth)/$": "eghmapsx",
    "admin/(?P<url>.*)$": "",
    # People and their faces.
    "admin/access/person/photograph/<int:key>/": "epx",
    "admin/access/person/photograph/<int:key>/delete/": "ex",
    "admin/access/person/<int:key>/photographs/": "epx",
    "admin/access/person/<path:object_id>/withdraw/": "hpx",
    "admin/access/person/<path:object_id>/suspend/": "ehsx",
    "admin/access/person/<path:object_id>/reactivate/": "",
    "admin/access/person/<path:object_id>/erase/": "px",
    "admin/access/person/<path:object_id>/consents/": "ehapx",
    "admin/access/person/<path:object_id>/disclose/": "px",
    "admin/access/person/<path:object_id>/invite/": "ehx",
    "admin/access/person/<path:object_id>/webcam/": "ex",
    "POST admin/access/person/<int:key>/webcam/send/": "ex",
    "admin/access/person/<int:key>/webcam/<int:held>/": "",
    "POST admin/access/enrolment/<int:key>/settle/": "ex",
    "POST admin/access/enrolment/<int:key>/approve/": "ex",
    "admin/access/gallery/look_alikes/": "eapsX",
    # Cards, PINs and whereabouts.
    "admin/access/person/<path:object_id>/issue-card/": "sx",
    "admin/access/person/<path:object_id>/issue-qr/": "sx",
    "admin/access/person/<path:object_id>/set-pin/": "sx",
    "admin/access/person/<path:object_id>/clear-pin/": "sx",
    "admin/access/person/<path:object_id>/enter-again/": "gsx",
    "admin/access/card/<path:object_id>/end/": "sx",
    "admin/access/card/<path:object_id>/unblock/": "",  # it is not blocked
    "admin/access/zone/<path:object_id>/empty/": "gsx",
    # Doors, and the pictures of passages.
    "admin/access/decision/<uuid:key>/picture/": "gx",
    "admin/access/alarm/<path:object_id>/acknowledge/": "gsx",
    "admin/access/dispute/<path:object_id>/settle/": "psx",
    "admin/access/site/<path:object_id>/kiosk_pin/": "sx",
    "admin/access/site/<path:object_id>/lock-down/": "gsx",
    "admin/access/site/<path:object_id>/lift/": "",  # it is not locked down
    "admin/access/door/simulate/": "ghasx",
    "admin/access/door/<path:object_id>/mode/": "gsx",
    "admin/access/door/<path:object_id>/open_now/": "gsx",
    "admin/access/door/<path:object_id>/unlock/": "gsx",
    "admin/access/door/<path:object_id>/lock/": "gsx",
    "admin/access/kiosk/<path:object_id>/pair/": "sx",
    "admin/access/kiosk/<path:object_id>/issue/": "sx",
    "admin/access/kiosk/<path:object_id>/roll/": "sx",
    "admin/access/kiosk/<path:object_id>/revoke/": "sx",
    # Attendance.
    "admin/access/punch/export/": "hmax",
    "admin/access/punch/import/": "hx",
    "admin/access/payrollperiod/<path:object_id>/lock/": "hx",
    "admin/access/ruleset/<path:object_id>/see_versions/": "hmax",
    "admin/access/ruleversion/<path:object_id>/follow/": "hx",
    "admin/access/workday/day/<int:person>/<slug:day>/": "hmax",
    "admin/access/workday/month/<int:person>/<slug:month>/": "hmax",
    "admin/access/terminal/<path:object_id>/approve/": "hsx",
    "admin/access/terminal/<path:object_id>/refuse/": "hsx",
    "admin/access/terminal/<path:object_id>/ask_info/": "hsx",
    "admin/access/terminal/<path:object_id>/ask_check/": "hsx",
    "admin/access/terminal/<path:object_id>/set_clock/": "hsx",
    "admin/access/terminalline/<path:object_id>/assign/": "",
    "admin/access/terminalline/<path:object_id>/trust/": "",
    "admin/access/terminalline/<path:object_id>/discard/": "",
    # Reports and payroll files. A file that a worker made is for whoever asked: this one is somebody else's.
    "admin/access/reportfile/<path:object_id>/change/": "",
    "admin/access/reportfile/<path:object_id>/history/": "",
    "admin/access/reportfile/<uuid:key>/cancel/": "",
    "admin/access/reportfile/<uuid:key>/file/": "",
    "POST admin/access/reportfile/ask/": "",
    "admin/access/reportfile/live/": "ghmasx",
    # Schedules and e-mails of reports: somebody else's, whom only those who reach everybody see.
    "admin/access/reportschedule/<path:object_id>/send_now/": "X",
    "admin/access/reportschedule/<path:object_id>/change/": "haX",
    "POST admin/access/reportschedule/<path:object_id>/change/": "X",
    "admin/access/reportschedule/<path:object_id>/delete/": "X",
    "POST admin/access/reportschedule/<path:object_id>/delete/": "",
    "admin/access/reportschedule/<path:object_id>/history/": "hasX",
    "admin/access/reportmail/<path:object_id>/change/": "hasX",
    "POST admin/access/reportmail/<path:object_id>/change/": "",
    "admin/access/reportmail/<path:object_id>/history/": "hasX",
    "admin/access/payrollexport/<int:key>/file/": "",  # there is none: see tests/admin
    "admin/access/payrollperiod/<path:object_id>/file/": "hx",
    "admin/reports/": "ghmasx",
    "admin/reports/<slug:key>/": "hmax",
    "POST admin/reports/<slug:key>/keep/": "hmax",
    "admin/reports/muster/<int:site>/": "ghmasx",
    "admin/reports/saved/<int:pk>/forget/": "",
    # Connections. An endpoint with deliveries is not deleted.
    "admin/access/endpoint/<path:object_id>/delete/": "sx",
    "POST admin/access/endpoint/<path:object_id>/delete/": "",
    "admin/access/endpoint/<path:object_id>/new-secret/": "sx",
    "admin/access/endpoint/<path:object_id>/try-it/": "sx",
    "admin/access/endpoint/<path:object_id>/log/": "hasx",
    "admin/access/delivery/<path:object_id>/again/": "",  # one that is still under way is not sent again
    "admin/access/program/issue/": "hsx",
    "admin/access/program/<path:object_id>/revoke/": "hsx",
    # Logins. One who acted is not deleted.
    "admin/access/staff/<path:object_id>/delete/": "x",
    "POST admin/access/staff/<path:object_id>/delete/": "",
    "admin/access/staff/<id>/password/": "sx",
    "admin/access/staff/<path:object_id>/forget_factor/": "",
    # The API: of kiosks, of staff.
    "api/v1/kiosk/": "k",
    "POST api/v1/kiosk/pair/": "",
    "POST api/v1/kiosk/report/": "k",
    # Only a paired kiosk, that signs; a key for programs is not enough.
    "api/v1/kiosk/bundle/": "",
    "POST api/v1/kiosk/events/": "",
    "POST api/v1/kiosk/unlock/": "k",
    # Said within seconds of the decision or not at all: tests/kiosk/test_feedback.py. Here time stands still.
    "POST api/v1/decisions/<uuid:decision>/not-me/": "k",
    "POST api/v1/decisions/<uuid:decision>/remark/": "k",
    "POST api/v1/answers/": "k",
    "POST api/v1/snapshots/": "k",
    "POST api/v1/passes/": "k",
    "POST api/v1/challenges/": "k",
    "POST api/v1/door-events/": "k",
    "api/v1/punches/": "hmax",
    "api/v1/reports/": STAFF,
    "api/v1/reports/<slug:report>/": "hmax",
    "api/v1/reports/<slug:report>/file/": "hmax",
    "api/v1/alarms/": "ghasx",
    "POST api/v1/alarms/<int:alarm>/acknowledge/": "gsx",
    "api/v1/people/": "eghmapsx",
    "api/v1/people/<int:person>/": "eghmapsx",
    "api/v1/decisions/": "ghasx",
    "api/v1/decisions/<uuid:decision>/": "ghasx",
    "POST api/v1/simulations/": "ghasx",
    "api/v1/sites/": "ghasx",
    "POST api/v1/sites/<int:site>/lock-down/": "gsx",
    "POST api/v1/sites/<int:site>/lift/": "gsx",
    "api/v1/doors/": "ghasx",
    "api/v1/doors/<int:door>/": "ghasx",
    "POST api/v1/doors/<int:door>/mode/": "gsx",
    "api/v1/zones/": "gasx",
    "api/v1/zones/<int:zone>/people/": "gasx",
    "api/v1/access-levels/": "asx",
    "api/v1/schema/": EVERYBODY,
    "api/v1/docs/": EVERYBODY,
    # The kiosk page and the notice: nothing personal is on them.
    "kiosk/": EVERYBODY,
    "kiosk/worker.js": EVERYBODY,
    "kiosk/finder.js": EVERYBODY,
    "kiosk/manifest.webmanifest": EVERYBODY,
    "kiosk/notice.svg": EVERYBODY,
    "POST kiosk/forget-login/": EVERYBODY,
    "privacy/": EVERYBODY,
    # Self-enrolment: who holds the one-time link is the person; it was made up here, so nothing opens.
    "enrol/<str:token>/": "",
    "POST enrol/<str:token>/send/": "",
    "POST enrol/more/": EVERYBODY,  # told what is missing; what counts is the ticket
    "enrol/result/": "",
    "enrol/thanks/": EVERYBODY,
    # Terminals: the serial says who knocks, and without one nothing is there (tests/access/terminals).
    "iclock/^cdata(?:\\.aspx)?/?$": "",
    "iclock/^getrequest(?:\\.aspx)?/?$": "",
    "POST iclock/^devicecmd(?:\\.aspx)?/?$": "",
    "POST iclock/^registry(?:\\.aspx)?/?$": "",
    "POST iclock/^push(?:\\.aspx)?/?$": "",
    "iclock/^ping(?:\\.aspx)?/?$": "",
    "POST iclock/^fdata(?:\\.aspx)?/?$": "",
    # Probes; the metrics have a token of their own.
    "favicon.ico": EVERYBODY,
    "healthz": EVERYBODY,
    "readyz": EVERYBODY,
    "metrics": "",
}
