"""What people are told, asked and owed: notices, self-enrolment, retention, their own data.

Promise: what is said here of how long things are kept is read from the table that deletes them.
"""
