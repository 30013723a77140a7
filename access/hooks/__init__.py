"""Telling other programs: webhooks signed after Standard Webhooks, and connectors for punches.

Promise: an event is noted for every endpoint in the transaction that made it, so none is lost and none is
noted twice; it is sent until somebody answered for it, under one id, and every attempt is on record.
"""
