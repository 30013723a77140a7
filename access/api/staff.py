"""What the schema says of errors at addresses for staff: lists, and rows read by key."""

from access.api.kiosk import problems

LISTED = problems(
    s400="A parameter is wrong.",
    s401="The token is not good.",
    s403="Not logged in, or not allowed.",
    s404="No such page.",
)
READ = problems(
    s401="The token is not good.",
    s403="Not logged in, or not allowed.",
    s404="There is none with this key.",
)
