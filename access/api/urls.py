"""The API's table of contents. A new version stands beside the old one; a reason never changes its string."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from access.api.answers import Answers
from access.api.attendance import Punches
from access.api.challenges import Challenges
from access.api.decisions import Decisions, OneDecision, Simulations
from access.api.doors import AcknowledgeAlarm, Alarms, DoorEvents
from access.api.kiosk import Hello, Passes, Snapshots
from access.api.kiosk_offline import Bundle, Events
from access.api.kiosk_page import NotMe, Pair, Remarks, Report, Unlock
from access.api.people import OnePerson, People
from access.api.places import (
    AccessLevels,
    DoorMode,
    Doors,
    Lift,
    LockDown,
    OneDoor,
    Sites,
    ZonePeople,
    Zones,
)
from access.api.reports import ReportFile, ReportRows, Reports

app_name = "api"
urlpatterns = [
    path("v1/kiosk/", Hello.as_view(), name="kiosk"),
    path("v1/kiosk/pair/", Pair.as_view(), name="pair"),
    path("v1/kiosk/report/", Report.as_view(), name="report"),
    path("v1/kiosk/unlock/", Unlock.as_view(), name="unlock"),
    path("v1/kiosk/bundle/", Bundle.as_view(), name="bundle"),
    path("v1/kiosk/events/", Events.as_view(), name="events"),
    path("v1/decisions/<uuid:decision>/not-me/", NotMe.as_view(), name="not_me"),
    path("v1/decisions/<uuid:decision>/remark/", Remarks.as_view(), name="remark"),
    path("v1/answers/", Answers.as_view(), name="answers"),
    path("v1/challenges/", Challenges.as_view(), name="challenges"),
    path("v1/snapshots/", Snapshots.as_view(), name="snapshots"),
    path("v1/passes/", Passes.as_view(), name="passes"),
    path("v1/punches/", Punches.as_view(), name="punches"),
    path("v1/reports/", Reports.as_view(), name="reports"),
    path("v1/reports/<slug:report>/", ReportRows.as_view(), name="report_rows"),
    path("v1/reports/<slug:report>/file/", ReportFile.as_view(), name="report_file"),
    path("v1/people/", People.as_view(), name="people"),
    path("v1/people/<int:person>/", OnePerson.as_view(), name="person"),
    path("v1/sites/", Sites.as_view(), name="sites"),
    path("v1/sites/<int:site>/lock-down/", LockDown.as_view(), name="lock_down"),
    path("v1/sites/<int:site>/lift/", Lift.as_view(), name="lift"),
    path("v1/doors/", Doors.as_view(), name="doors"),
    path("v1/doors/<int:door>/", OneDoor.as_view(), name="door"),
    path("v1/doors/<int:door>/mode/", DoorMode.as_view(), name="door_mode"),
    path("v1/zones/", Zones.as_view(), name="zones"),
    path("v1/zones/<int:zone>/people/", ZonePeople.as_view(), name="zone_people"),
    path("v1/access-levels/", AccessLevels.as_view(), name="access_levels"),
    path("v1/decisions/", Decisions.as_view(), name="decisions"),
    path("v1/decisions/<uuid:decision>/", OneDecision.as_view(), name="decision"),
    path("v1/simulations/", Simulations.as_view(), name="simulations"),
    path("v1/door-events/", DoorEvents.as_view(), name="door_events"),
    path("v1/alarms/", Alarms.as_view(), name="alarms"),
    path("v1/alarms/<int:alarm>/acknowledge/", AcknowledgeAlarm.as_view(), name="acknowledge_alarm"),
    path("v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
