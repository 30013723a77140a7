"""Working time: shifts, rules, leave, corrections and payroll periods, and what they make of the punches.

The arithmetic is `access.timesheet`, which is pure; here are its tables, who may change them, and the promise
that a day once closed changes only by a proposal that somebody accepted.
"""
