"""Budgets by what they pay for: the source documents speak of teams and projects, not of budgets."""

from ledger.errors import Conflict, NotFound
from ledger.model import Budget, BudgetType
from ledger.view import View


def paying_for(view: View, kind: BudgetType, resource_id: str, budget_id: str | None) -> Budget:
    """The budget of a team or a project: the one for that resource, else with that id.

    Raises ``NotFound``, ``Conflict`` where several pay for it and ``budget_id`` names none of them.
    """
    found = [
        each
        for each in view.all()
        if each.budget_type is kind
        and (each.resource_id or each.budget_id) == resource_id
        and budget_id in {None, each.budget_id}
    ]
    found = [each for each in found if each.closed_at_us is None] or found
    if not found:
        name = f"{kind.value}_id"
        raise NotFound(f"There is no {kind.value} {resource_id} that this key may see.", field=name)
    if len(found) > 1:
        names = ", ".join(each.budget_id for each in found[:10])
        raise Conflict(
            f"Several budgets pay for {kind.value} {resource_id}: say which, ?budget_id=… ({names}).",
            field="budget_id",
        )
    return found[0]
