from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from access.hooks import endpoints
from access.models import Endpoint
from tests.access.hooks.listening import Listener, listening


@pytest.fixture
def listener(settings: LazySettings) -> Iterator[Listener]:
    """A server on this machine, and permission to post to such addresses."""
    settings.HOOKS_PRIVATE = True
    with listening() as found:
        yield found


@pytest.fixture
def hook(listener: Listener, db: None) -> Endpoint:
    """A webhook that wants to hear everything."""
    made = Endpoint.objects.create(
        name="HR", url=f"{listener.url}/hook", events=[event.value for event in endpoints.Event]
    )
    endpoints.issue_secret(made)
    return made
