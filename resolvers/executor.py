"""Plain data, completed at once: what is only read from an object takes no step of its own.

The library resolves, wraps and checks every value of an answer on its own: 70 µs for a row of a rollup, on
the event loop that serves everybody. Most values are attributes of an object that is already there. For
those this executor makes a plan of a selection once, and then reads one object after the other: three times
faster. Fields with a resolver, unions and whatever fails go the library's way, and so do errors.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    is_leaf_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter

Read = Callable[[Any], Any]
"""From an object or a value to what the answer holds of it."""
Selected = dict[str, list[Any]]
"""The library's grouped fields: response name → details of the field's nodes."""


class _NotPlain(Exception):
    """A value that the library must look at."""


class _Plan(NamedTuple):
    """How a selection of a type is read."""

    selected: Selected
    """Kept alive: plans are found by its identity, as the library's own are."""
    plain: list[tuple[str, Read]]
    others: Selected


class PlainExecutor(StrawberryGraphQLCoreExecutionContext):
    """The library's executor with a shorter way for plain data."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin an operation."""
        super().__init__(*args, **kwargs)
        self._plans: dict[int, _Plan] = {}
        manager = self.middleware_manager
        self._watched = manager is not None and bool(manager.middlewares)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """Read what is plain; the library does the rest."""
        plan = self._plan(parent_type, grouped_field_set)
        try:
            read = {name: value(source_value) for name, value in plan.plain}
        except Exception:  # noqa: BLE001 - the library meets it again, and says where it happened
            plan = plan._replace(plain=[], others=plan.selected)
            read = {}
        if not plan.others:
            return read
        others = super().execute_fields(parent_type, source_value, path, plan.others, position_context)
        if not plan.plain:
            return others
        return _in_order(plan, read, others) if isinstance(others, dict) else self._joined(plan, read, others)

    async def _joined(self, plan: _Plan, read: dict[str, Any], others: Any) -> dict[str, Any]:
        return _in_order(plan, read, await others)

    def _plan(self, parent_type: GraphQLObjectType, selected: Selected) -> _Plan:
        plan = self._plans.get(id(selected))
        if plan is None:
            plain: list[tuple[str, Read]] = []
            others: Selected = {}
            for name, details in selected.items():
                value = self._field(parent_type, details)
                if value is None:
                    others[name] = details
                else:
                    plain.append((name, value))
            plan = self._plans[id(selected)] = _Plan(selected, plain, others)
        return plan

    def _field(self, parent_type: GraphQLObjectType, details: list[Any]) -> Read | None:
        """How a field is read from its object; None where it is not plain."""
        name = details[0].node.name.value
        if name == "__typename":
            return lambda _: parent_type.name
        field: Any = self.schema.get_field(parent_type, name)
        definition = None if field is None else field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if field is None or definition is None or not definition.is_basic_field or self._watched:
            return None
        value, attribute = self._value(field.type, details), definition.python_name
        return None if value is None else lambda source: value(getattr(source, attribute))

    def _value(self, kind: Any, details: list[Any]) -> Read | None:
        """How a value of a type is read; None where it is not plain."""
        if isinstance(kind, GraphQLNonNull):
            inner = self._present(cast("Any", kind).of_type, details)
            return None if inner is None else lambda value: inner(_present(value))
        inner = self._present(kind, details)
        return None if inner is None else lambda value: None if value is None else inner(value)

    def _present(self, kind: Any, details: list[Any]) -> Read | None:
        """As ``_value``, of a value that is there."""
        if isinstance(kind, GraphQLList):
            item = self._value(cast("Any", kind).of_type, details)
            return None if item is None else lambda values: [item(each) for each in _listed(values)]
        if isinstance(kind, GraphQLObjectType):
            return self._object(kind, details)
        return _leaf(kind) if is_leaf_type(kind) else None

    def _object(self, kind: GraphQLObjectType, details: list[Any]) -> Read | None:
        if kind.is_type_of is not None:
            return None
        plan = self._plan(kind, self.collect_subfields(kind, details).grouped_field_set)
        if plan.others:
            return None
        plain = plan.plain
        return lambda source: {name: value(source) for name, value in plain}


def _in_order(plan: _Plan, read: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    both = {**read, **others}
    return {name: both[name] for name in plan.selected if name in both}


def _present(value: Any) -> Any:
    if value is None:
        raise _NotPlain
    return value


def _listed(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise _NotPlain
    return cast("list[Any]", values)


def _leaf(kind: GraphQLScalarType | GraphQLEnumType) -> Read:
    if isinstance(kind, GraphQLEnumType):
        # The library compares a member with each value in turn.
        names: dict[Any, str] = {}

        def name_of(member: Any) -> str:
            if member not in names:
                names[member] = kind.coerce_output_value(member)
            return names[member]

        return name_of

    def scalar(value: Any) -> Any:
        return _present(kind.coerce_output_value(value))

    return scalar
