"""PDFs, opened again: every row on some page, numbered, and names of many scripts as themselves."""

import io
import re
from datetime import timedelta

import pypdf
import pytest

from access.hours import ledger
from access.models import Staff
from access.reports import REPORTS, exports
from access.reports.exports import Layout
from tests import factories
from tests.access.reports.conftest import MONDAY, Crew, punch

pytestmark = pytest.mark.django_db
MARCH = {"month": "2026-03"}


def opened(key: str, staff: Staff, **given: str) -> pypdf.PdfReader:
    report = REPORTS[key]
    content = b"".join(exports.content(report, report.ask(MARCH | given, staff), staff, Layout(file="pdf")))
    return pypdf.PdfReader(io.BytesIO(content))


def texts(found: pypdf.PdfReader) -> list[str]:
    return [page.extract_text() for page in found.pages]


def test_the_grid_has_a_page_a_department_across_with_legend_and_number(crew: Crew, hr: Staff) -> None:
    found = opened("grid", hr)
    box = found.pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (842, 595)
    flight, yard = texts(found)
    for told in ("Monthly grid, March 2026", "Flight", "Alice Able", "26:40", "missed punch", "Page 1 of 2"):
        assert told in flight, told
    assert "Alice" not in yard
    for told in ("Yard", "Walter Yard", "Page 2 of 2", "Rules: House rules, 2026-01-01", "(Europe/Berlin)"):
        assert told in yard, told


def test_a_timesheet_has_a_page_to_sign_for_each_person(crew: Crew, hr: Staff) -> None:
    alice, walter = texts(opened("timesheet", hr))
    for told in ("Alice Able · 00017 · Flight", "08:20", "9:40", "26:40", "Date, employee", "Page 1 of 2"):
        assert told in alice, told
    assert "Walter Yard" in walter
    assert "Alice" not in walter


def test_a_long_department_goes_on_over_pages_and_loses_nobody(crew: Crew, hr: Staff) -> None:
    """And its totals stand on a page even where the rows fill one."""
    people = [factories.person(f"Worker {n:03}", department=crew.yard) for n in range(66)]
    for one in people:
        punch(one, MONDAY, "08:00", "in")
        punch(one, MONDAY, "16:00", "out")
    ledger.refresh([one.pk for one in people], MONDAY, MONDAY + timedelta(days=1))
    pages = texts(opened("grid", hr))
    everything = "\n".join(pages)
    assert all(f"Worker {n:03}" in everything for n in range(66))
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]
    assert "536:00" in everything  # 67 people of Yard, eight hours each


@pytest.mark.parametrize(
    "name", ["Çağla Yıldız", "Μαρία Παππά", "Дмитрий Волков", "Rūta Žukauskaitė", "李小龍", "김민준"]
)
def test_names_of_many_scripts_can_be_read(crew: Crew, hr: Staff, name: str) -> None:
    crew.alice.name = name
    crew.alice.save()
    assert name in "".join(texts(opened("timesheet", hr)))


def test_a_name_too_long_for_its_column_is_cut_with_an_ellipsis(crew: Crew, hr: Staff) -> None:
    crew.alice.name = "Wolfgang Amadeus von und zu Guttenberg-Hohenlohe-Langenburg"
    crew.alice.save()
    page = texts(opened("grid", hr))[0]
    assert re.search("Wolfgang Am[^ ]*…", page)
    assert "Guttenberg" not in page


def test_without_rows_there_is_one_page_of_headings(hr: Staff) -> None:
    [page] = texts(opened("grid", hr))
    assert "Page 1 of 1" in page


def test_a_manager_prints_their_department(crew: Crew, manager: Staff) -> None:
    for key in ("grid", "timesheet"):
        everything = "".join(texts(opened(key, manager)))
        assert "Walter" in everything
        assert "Alice" not in everything
