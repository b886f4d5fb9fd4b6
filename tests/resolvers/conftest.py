"""Fixtures of the resolvers' tests."""

from collections.abc import Generator

import pytest

from graph.database import Database
from resolvers import Services
from tests.support.services import Caller, admin_of, open_services


@pytest.fixture
def services(database: Database) -> Generator[Services]:
    with open_services(database) as opened:
        yield opened


@pytest.fixture
def admin(services: Services, tenant: str) -> Caller:
    return admin_of(services, tenant)
