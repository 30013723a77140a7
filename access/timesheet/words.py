"""The explanation of a day in sentences: one for each kind of step. A test compares both lists."""

from collections.abc import Mapping
from typing import Any

WORDS = {
    "shift": "Shift {code} {times}: {minutes} planned.",
    "holiday": "Holiday: {name}. Nothing is expected, the planned hours are paid.",
    "short_holiday": "Short day: {name}. Half the planned hours are expected, all of them are paid.",
    "leave": "Leave {code}: {part}, {paid}.",
    "duplicate": "The punch at {time} is left out: within {seconds} s of the one before.",
    "rounded_in": "Arrival at {time} rounded to {to} (unit {unit} min).",
    "rounded_out": "Leaving at {time} rounded to {to} (unit {unit} min).",
    "outside": "{minutes} outside the hours of the shift do not count.",
    "late": "Late by {minutes}: arrived {time}, grace {grace} min.",
    "late_within_grace": "Arrived {time}, {minutes} after the start: within the grace of {grace} min.",
    "early": "Left early by {minutes}: left {time}, grace {grace} min.",
    "early_within_grace": "Left {time}, {minutes} before the end: within the grace of {grace} min.",
    "missed_out": "No punch out after {time}: {policy}.",
    "missed_in": "No punch in before {time}: {policy}.",
    "missed_half_day": "Because of the missed punch, {minutes} are credited up to half the planned hours.",
    "paid_break": "{minutes} of break are paid by the shift.",
    "break_actual": "Break of {minutes} deducted as taken.",
    "break_excess": "Break of {taken} min, {allowance} min allowed: {minutes} deducted.",
    "break_allowance": "Break allowance of {minutes} deducted: more than {after} min at work.",
    "below_half_day": "{minutes} worked is less than the {least} min of half a day: absent.",
    "below_whole_day": "{minutes} worked is less than the {least} min of a whole day: half a day.",
    "overtime_too_little": "{minutes} beyond the planned hours, less than {least} min: no overtime.",
    "overtime_holiday": "Overtime on a holiday: {minutes}.",
    "overtime_rest": "Overtime on a day off: {minutes}.",
    "overtime_1": "Overtime: {minutes}.",
    "overtime_2": "Overtime of the second tier: {minutes}.",
    "overtime_weekly": "Beyond the weekly hours: {minutes} of overtime.",
    "unapproved": "{minutes} of overtime are not approved ({approved} min were) and not paid.",
    "night": "{minutes} at night.",
    "absent": "Absent.",
}
POLICIES = {
    "nothing": "it counts for nothing until it is corrected",
    "planned": "counted up to the planned time",
    "half_day": "half the planned hours count",
}
PARTS = {"whole": "the whole day", "first_half": "first half", "second_half": "second half"}


def sentence(code: str, values: Mapping[str, Any], template: str | None = None) -> str:
    """A step as people read it; `template` is the sentence in another language.

    Minutes that are a result read as hours and minutes ("1:05 h"). A code of another release reads as itself.
    """
    text = template or WORDS.get(code)
    if text is None:
        return code
    shown: dict[str, Any] = dict(values)
    if "minutes" in shown:
        shown["minutes"] = hours(int(shown["minutes"]))
    if "policy" in shown:
        shown["policy"] = POLICIES.get(str(shown["policy"]), shown["policy"])
    if "part" in shown:
        shown["part"] = PARTS.get(str(shown["part"]), shown["part"])
    if "paid" in shown:
        shown["paid"] = "paid" if shown["paid"] else "unpaid"
    return text.format(**shown).replace(" :", ":")


def hours(minutes: int) -> str:
    """Minutes as hours and minutes: 65 is "1:05 h", and -65 is "−1:05 h"."""
    sign = "−" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02} h"
