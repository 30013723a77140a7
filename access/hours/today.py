"""How long somebody has worked today, for the kiosk that greets them."""

from access import timesheet
from access.attendance import Punch
from access.hours.loading import Facts


def minutes_until(punch: Punch) -> int:
    """Minutes worked on the working day of this punch, up to it; a stay that goes on does not count yet."""
    around = punch.at.date()
    facts = Facts([punch.person_id], around, around)
    made = [one for one in facts.punches[punch.person_id] if one.at <= punch.at]
    planned = facts.of(punch.person_id)
    key = str(punch.pk)
    for day, mine in timesheet.by_day(made, planned).items():
        if any(one.id == key for one in mine):
            return timesheet.workday(day, mine, planned[day])["worked"]
    return 0
