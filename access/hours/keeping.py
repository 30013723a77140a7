"""What of somebody's working time is kept and what goes: at erasure, and with the demo."""

from django.db.models import Q, QuerySet

from access.hours.corrections import Correction, OvertimeApproval
from access.hours.leave import Leave, LeaveBalance
from access.hours.outages import Outage
from access.hours.payroll import Adjustment
from access.hours.proposals import Proposal
from access.hours.shifts import Assignment, RosterEntry
from access.hours.workdays import WorkDay
from access.people import Person
from access.places import Site


def forget(person: Person) -> dict[str, int]:
    """Counts for the receipt, in the transaction of the erasure. Words and plans go; the working time stays
    as the law asks, and names a bare key."""
    balances, _rows = LeaveBalance.objects.filter(person=person).delete()
    plans, _rows = Assignment.objects.filter(person=person).delete()
    roster, _rows = RosterEntry.objects.filter(person=person).delete()
    leave = Leave.objects.filter(person=person).update(note="", answer="")
    corrected = Correction.objects.filter(person=person).update(reason="", answer="")
    OvertimeApproval.objects.filter(person=person).update(note="")
    Proposal.objects.filter(person=person).update(note="")
    return {
        "leave_balances_deleted": balances,
        "plans_deleted": plans + roster,
        "leave_kept": leave,
        "corrections_kept": corrected,
        "working_days_kept": WorkDay.objects.filter(person=person).count(),
    }


def of_demo(sites: QuerySet[Site]) -> list[tuple[str, QuerySet]]:
    """What goes before the demo's people and punches do, in this order."""
    return [
        ("adjustments", Adjustment.objects.filter(person__demo=True)),
        ("proposed changes", Proposal.objects.filter(person__demo=True)),
        ("working days", WorkDay.objects.filter(person__demo=True)),
        ("corrections", Correction.objects.filter(person__demo=True)),
        ("outages", Outage.objects.filter(kiosk__door__site__in=sites)),
        ("leave", Leave.objects.filter(person__demo=True)),
        ("overtime approvals", OvertimeApproval.objects.filter(person__demo=True)),
        ("assignments", Assignment.objects.filter(Q(person__demo=True) | Q(site__in=sites))),
    ]
