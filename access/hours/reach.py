"""Whose working time a login may see and decide on. Every page, list and call of attendance asks here.

Closed by default: a login reaches the people it manages, and everybody only with the right to.
"""

from django.db.models import Model, Q, QuerySet

from access.people import Department, Person
from access.staff import Staff

EVERYBODY = "access.reach_everybody"


def people_for(staff: Staff) -> QuerySet[Person]:
    """The people a login reaches: their own, those of the departments it manages, or everybody."""
    people = Person.objects.all()
    if not staff.is_active:
        return people.none()
    if staff.has_perm(EVERYBODY):
        return people
    managed = Department.objects.filter(managers=staff)
    return people.filter(Q(manager=staff) | Q(department__in=managed))


def departments_for(staff: Staff) -> QuerySet[Department]:
    """The departments a login may choose from."""
    departments = Department.objects.all()
    if not staff.is_active:
        return departments.none()
    if staff.has_perm(EVERYBODY):
        return departments
    return departments.filter(Q(managers=staff) | Q(people__manager=staff)).distinct()


def reaches(staff: Staff, person: Person) -> bool:
    return people_for(staff).filter(pk=person.pk).exists()


def within(
    staff: Staff, rows: QuerySet[Model], person: str = "person", *, nobody: bool = False
) -> QuerySet[Model]:
    """Those rows whose person the login reaches; `person` is the path from a row to its person.

    With `nobody` also rows that are about no person.
    """
    if staff.is_active and staff.has_perm(EVERYBODY):
        return rows
    reached = Q(**{f"{person}__in": people_for(staff)})
    return rows.filter(reached | Q(**{person: None}) if nobody else reached)
