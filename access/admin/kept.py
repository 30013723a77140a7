"""Places where something was decided stay: sites, doors and kiosks."""

from django.db.models import Model
from django.http import HttpRequest

from access.admin.audit import Audited
from access.snapshots import Snapshot


class Kept(Audited):
    """What decisions were made about stays: the database would refuse to lose them anyway."""

    decided_by = ""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if obj is not None and Snapshot.objects.filter(**{self.decided_by: obj}).exists():
            return False
        return super().has_delete_permission(request, obj)
