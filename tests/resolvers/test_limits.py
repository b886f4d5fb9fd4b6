"""What an operation may ask."""

from graphql import parse, validate

from resolvers.limits import ALIASES_MAX, DEPTH_MAX, TOKENS_MAX, WithinBounds
from resolvers.request import OBJECTS_MAX
from tests.support.services import Caller, budget, schema


def nested(depth: int) -> str:
    """A query that nests that deep."""
    return '{ budget(budgetId: "a") ' + "{ parent " * (depth - 2) + "{ budgetId" + " }" * depth


def refusals(text: str) -> list[str]:
    return [error.message for error in validate(schema().built, parse(text), [WithinBounds])]


def test_nesting_has_a_limit(admin: Caller) -> None:
    assert admin.ask(nested(DEPTH_MAX)).errors == []
    answer = admin.ask(nested(DEPTH_MAX + 1))
    assert answer.code == "INVALID"
    assert str(DEPTH_MAX) in answer.errors[0]["message"]


def test_nesting_is_counted_through_fragments(admin: Caller) -> None:
    deep = " ".join(
        f"fragment F{number} on Budget {{ parent {{ ...F{number + 1} }} }}" for number in range(DEPTH_MAX)
    )
    text = f'{{ budget(budgetId: "a") {{ ...F0 }} }} {deep} fragment F{DEPTH_MAX} on Budget {{ budgetId }}'
    assert admin.ask(text).code == "INVALID"
    assert refusals(text) != []


def test_introspection_does_not_count(admin: Caller) -> None:
    kinds = "ofType { " * (DEPTH_MAX + 5) + "name" + " }" * (DEPTH_MAX + 5)
    assert admin.ask(f"{{ __schema {{ types {{ fields {{ type {{ {kinds} }} }} }} }} }}").errors == []


def test_aliases_have_a_limit(admin: Caller) -> None:
    def renamed(count: int) -> str:
        return (
            "{ " + " ".join(f'a{each}: budget(budgetId: "a") {{ budgetId }}' for each in range(count)) + " }"
        )

    assert admin.ask(renamed(ALIASES_MAX)).errors == []
    assert admin.ask(renamed(ALIASES_MAX + 1)).code == "INVALID"


def test_a_fragment_counts_as_often_as_it_is_used() -> None:
    text = '{ a: budget(budgetId: "a") { ...F } b: budget(budgetId: "b") { ...F } } fragment F on Budget { '
    aliases = " ".join(f"a{each}: name" for each in range(ALIASES_MAX // 2 - 1))
    assert refusals(text + aliases + " }") == []
    assert refusals(text + aliases + " more: name }") != []


def test_fragments_that_use_each_other_twice_are_measured_once() -> None:
    fragments = " ".join(
        f"fragment F{number} on Query {{ ...F{number + 1} ...F{number + 1} }}" for number in range(40)
    )
    text = f"{{ ...F0 }} {fragments} fragment F40 on Query {{ a: __typename }}"
    (told,) = refusals(text)
    assert str(2**40) in told


def test_words_have_a_limit(admin: Caller) -> None:
    text = "{ " + "__typename " * (TOKENS_MAX + 1) + "}"
    assert admin.ask(text).code == "INVALID"


def test_an_answer_holds_so_many_objects(admin: Caller) -> None:
    budget(admin, "acme")
    for number in range(38):
        budget(admin, f"web{number:02d}", "acme")
    walk = "children { parent { children { parent { children { budgetId } } } } }"
    answer = admin.ask(f'{{ budget(budgetId: "acme") {{ {walk} }} }}')
    assert OBJECTS_MAX < 38**3
    assert {error["extensions"]["code"] for error in answer.errors} == {"INVALID"}
    assert str(OBJECTS_MAX) in answer.errors[0]["message"]


def test_every_list_that_can_grow_has_a_length(admin: Caller) -> None:
    for text in (
        "{ budgets(first: 501) { nodes { budgetId } } }",
        "{ agents(first: 501) { nodes { agentId } } }",
        "{ usage(first: 501) { nodes { operationId } } }",
        "{ apiKeys(first: 501) { nodes { keyId } } }",
    ):
        assert (admin.ask(text).code, admin.ask(text).field) == ("INVALID", "first")
    budget(admin, "acme")
    assert admin.ask('{ budget(budgetId: "acme") { children(first: 501) { budgetId } } }').code == "INVALID"
