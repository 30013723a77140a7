"""What a kiosk page says of itself each minute, and the alarm when its clock is far off.

The page puts its own clock right by ours, so that nothing it sends is wrong; but a tablet whose clock is off
loses that with its memory, and nobody should find out by a payroll.
"""

from access import places
from access.doors import alarms
from access.doors.alarms import Kind
from access.places import Kiosk, Report
from access.policy.clocks import UNTRUSTED_MS


def note(kiosk: Kiosk, report: Report) -> None:
    """Keep the report; raise the alarm while the clock is off by more than half a minute, end it when not."""
    places.note_report(kiosk, report)
    alarms.stands_or_falls(
        Kind.CLOCK,
        kiosk,
        wrong=abs(report.clock_offset_ms) > UNTRUSTED_MS,
        door=kiosk.door,
        kiosk=kiosk,
        behind_seconds=round(report.clock_offset_ms / 1000),
    )
