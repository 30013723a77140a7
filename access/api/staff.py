"""What all addresses for staff have in common: who may ask, in which form, and which errors there are."""

from access.api.authentication import STAFF, MayUse
from access.api.kiosk import problems
from access.api.negotiation import OneForm

LISTED = problems(
    s400="A parameter is wrong.",
    s401="The token is not good.",
    s403="Not logged in, or not allowed.",
    s404="No such page.",
)
READ = problems(
    s401="The token is not good.", s403="Not logged in, or not allowed.", s404="There is none with this key."
)


class OfStaff:
    """Asked by a member of staff who holds all the `rights`, in a browser or by a program."""

    authentication_classes = STAFF
    permission_classes = [MayUse]
    content_negotiation_class = OneForm
    rights: tuple[str, ...] = ()
