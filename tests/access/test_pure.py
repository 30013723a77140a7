"""What the two engines are given and give back stays as it is: every record of theirs is frozen."""

import dataclasses
import importlib
import pkgutil

import pytest

from access import policy, timesheet

RECORDS = [
    thing
    for package in (policy, timesheet)
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    for module in [importlib.import_module(found.name)]
    for thing in vars(module).values()
    if isinstance(thing, type)
    and dataclasses.is_dataclass(thing)
    and thing.__module__ == module.__name__
    and not thing.__name__.startswith("_")  # scratch of one calculation
]


def test_there_are_records_to_look_at() -> None:
    assert len(RECORDS) > 20


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_cannot_be_changed(record: type) -> None:
    blank = object.__new__(record)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(blank, dataclasses.fields(record)[0].name, None)
