"""Terminals that people already own: the ADMS (iclock) push protocol, its quarantine, and punches from lists.

Promise: nothing is acknowledged before it is stored, what comes twice is written once, and what is doubtful
waits for a human instead of being booked.
"""
