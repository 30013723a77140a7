"""The doors' own subjects: what opens them besides a face, and where people are."""
