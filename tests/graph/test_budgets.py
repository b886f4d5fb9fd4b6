"""Windows, read by uid."""

from graph.budgets import Budgets
from graph.database import Database
from ledger.windows import current_windows
from resolvers.services import system_clock
from tests.support.services import admin_of, budget, open_services, record, usage


def test_the_windows_of_several_budgets_come_at_once(database: Database, tenant: str) -> None:
    with open_services(database) as services:
        admin = admin_of(services, tenant)
        limits = [{"meter": "TOKENS", "window": "DAY", "amount": "5000"}]
        budget(admin, "acme", amount="1", limits=limits)
        budget(admin, "web", "acme", recurrence="MONTHLY")
        record(admin, usage("one", budgetId="web"), usage("two", budgetId="acme"))
        tree = services.trees.get(tenant)
    uids = [window.uid for each in tree.all() for _, window in current_windows(each, system_clock())]
    found = Budgets(database).windows([*uids, "nobody/nothing#amount@lifetime"])
    spent = {uid: window.spent for uid, window in found.items() if uid.startswith(f"{tenant}/")}
    assert len(found) == len(spent)
    assert sorted(spent.values()) == [2200, 3_500_000, 7_000_000]
    assert Budgets(database).windows([]) == {}
