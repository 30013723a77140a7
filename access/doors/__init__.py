"""Doors: what opens them, how they are told to, what they report, where people are, what alarms."""
