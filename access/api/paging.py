"""How long lists come: page by page, each with the address of the next, stable while rows are added."""

from rest_framework import pagination


class NewestFirst(pagination.CursorPagination):
    """`next` holds the address of the following page, or null; `limit` says how many rows a page has."""

    ordering: str | tuple[str, ...] = "-id"
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 500


class ByKey(NewestFirst):
    """Rows in the order in which they were made: what grows, grows at the end."""

    ordering = "id"
