"""A virtual site: a day of invented people at virtual kiosks, played against a running system and judged."""
