"""The list of all tables. Each is defined beside the rules that guard it."""

from access.attendance import Punch
from access.audit import AuditEntry
from access.backoff import Backoff
from access.chain import AuditCheck, AuditPending, AuditSeal
from access.challenges import Challenge
from access.decisions import Decision
from access.doors.alarms import Alarm
from access.doors.contacts import DoorEvent
from access.doors.credentials import Card, Pin
from access.doors.drivers import DoorCommand
from access.doors.history import RuleChange
from access.doors.levels import AccessLevel, Grant, Schedule, ScheduleBar
from access.doors.modes import DoorMemory
from access.doors.passback import Presence, Zone
from access.doors.wiring import Wiring
from access.enrolment import Enrolment, Photograph
from access.gallery import Faceprint, Gallery, Turn
from access.handouts.files import ReportFile, ReportPiece
from access.handouts.schedules import ReportMail, ReportSchedule
from access.health import SiteRisk, Worker
from access.holidays import Holiday
from access.hooks.deliveries import Delivery
from access.hooks.endpoints import Endpoint
from access.hours.corrections import Correction, OvertimeApproval
from access.hours.leave import Leave, LeaveBalance, LeaveType
from access.hours.outages import Outage
from access.hours.payroll import Adjustment, PayrollPeriod
from access.hours.proposals import Proposal
from access.hours.rules import RuleSet, RuleVersion
from access.hours.shifts import Assignment, Pattern, PatternDay, RosterEntry, Shift, ShiftBreak, ShiftPart
from access.hours.workdays import WorkDay
from access.kept import KeptPicture
from access.kiosk.alone import OfflineEvent
from access.kiosk.feedback import Dispute, Remark
from access.kiosk.pairing import PairingCode
from access.kiosk.signing import SignatureNonce
from access.kiosk.unlocking import UnlockTries
from access.payroll.exports import PayrollExport
from access.payroll.profiles import PayrollCode, PayrollColumn, PayrollProfile
from access.people import Consent, ConsentText, Department, Person, PersonKey
from access.pepper import Pepper
from access.places import Door, Kiosk, KioskKey, Site
from access.privacy.invitations import Invitation
from access.privacy.notices import Notice
from access.privacy.retention import Retention, Sweep
from access.programs import Program
from access.reports.saved import SavedFilter
from access.signin import RecoveryCode, SecondFactor
from access.snapshots import Snapshot, SnapshotPicture
from access.staff import Staff
from access.terminals.devices import Terminal, TerminalUser
from access.terminals.orders import TerminalCommand
from access.terminals.pushes import TerminalLine

__all__ = [
    "AccessLevel",
    "Adjustment",
    "Alarm",
    "Assignment",
    "AuditCheck",
    "AuditEntry",
    "AuditPending",
    "AuditSeal",
    "Backoff",
    "Card",
    "Challenge",
    "Consent",
    "ConsentText",
    "Correction",
    "Decision",
    "Delivery",
    "Department",
    "Dispute",
    "Door",
    "DoorCommand",
    "DoorEvent",
    "DoorMemory",
    "Endpoint",
    "Enrolment",
    "Faceprint",
    "Gallery",
    "Grant",
    "Holiday",
    "Invitation",
    "KeptPicture",
    "Kiosk",
    "KioskKey",
    "Leave",
    "LeaveBalance",
    "LeaveType",
    "Notice",
    "OfflineEvent",
    "Outage",
    "OvertimeApproval",
    "PairingCode",
    "Pattern",
    "PatternDay",
    "PayrollCode",
    "PayrollColumn",
    "PayrollExport",
    "PayrollPeriod",
    "PayrollProfile",
    "Pepper",
    "Person",
    "PersonKey",
    "Photograph",
    "Pin",
    "Presence",
    "Program",
    "Proposal",
    "Punch",
    "RecoveryCode",
    "Remark",
    "ReportFile",
    "ReportMail",
    "ReportPiece",
    "ReportSchedule",
    "Retention",
    "RosterEntry",
    "RuleChange",
    "RuleSet",
    "RuleVersion",
    "SavedFilter",
    "Schedule",
    "ScheduleBar",
    "SecondFactor",
    "Shift",
    "ShiftBreak",
    "ShiftPart",
    "SignatureNonce",
    "Site",
    "SiteRisk",
    "Snapshot",
    "SnapshotPicture",
    "Staff",
    "Sweep",
    "Terminal",
    "TerminalCommand",
    "TerminalLine",
    "TerminalUser",
    "Turn",
    "UnlockTries",
    "Wiring",
    "WorkDay",
    "Worker",
    "Zone",
]
