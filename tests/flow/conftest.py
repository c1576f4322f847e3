"""What several tests of the flow start from."""

import pytest

from ordering import settle_in
from support import Desk


@pytest.fixture
def court(desk: Desk) -> Desk:
    """A desk that may issue orders."""
    settle_in(desk)
    return desk
