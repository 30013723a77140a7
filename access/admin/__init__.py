"""The admin: what members of staff see and do, one module per subject.

Promise: every page asks for the permission of its table, every change leaves an audit entry, and
nothing here decides anything: the rules stand in the modules beside the tables.
"""

from access.admin import (
    alarms,
    attendance,
    audit,
    decisions,
    disputes,
    enrolment,
    gallery,
    hooks,
    levels,
    locks,
    offline,
    payroll,
    people,
    places,
    privacy,
    requests,
    rules,
    schedules,
    shifts,
    sign_in,
    staff,
    terminals,
    workdays,
)

__all__ = [
    "alarms",
    "attendance",
    "audit",
    "decisions",
    "disputes",
    "enrolment",
    "gallery",
    "hooks",
    "levels",
    "locks",
    "offline",
    "payroll",
    "people",
    "places",
    "privacy",
    "requests",
    "rules",
    "schedules",
    "shifts",
    "sign_in",
    "staff",
    "terminals",
    "workdays",
]
