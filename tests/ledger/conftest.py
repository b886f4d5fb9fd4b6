"""Fixtures of the ledger's tests."""

import pytest

from tests.ledger.books import BookDesk


@pytest.fixture
def desk() -> BookDesk:
    return BookDesk()
