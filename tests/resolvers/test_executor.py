"""The shorter way for plain data answers as the library does, errors included."""

import asyncio
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.executor import PlainExecutor

CALLS: list[str] = []


@strawberry.enum
class Colour(Enum):
    """Members by name, values that are something else."""

    RED = "#f00"
    BLUE = "#00f"


@strawberry.type
class Leaf:
    """Only plain fields."""

    number: int
    text: str | None
    colour: Colour = Colour.BLUE
    share: float = 0.5
    flag: bool = True


@strawberry.type
class Branch:
    """Plain fields of every shape, and some with resolvers."""

    name: str
    leaf: Leaf
    maybe: Leaf | None
    leaves: list[Leaf]
    holes: list[Leaf | None]
    rows: list[list[int]]

    @strawberry.field
    def now(self) -> str:
        """Resolved at once."""
        CALLS.append(self.name)
        return f"{self.name} now"

    @strawberry.field
    async def later(self) -> Leaf:
        """Resolved after a while."""
        await asyncio.sleep(0)
        return self.leaf

    @strawberry.field
    def fails(self) -> str:
        """Never resolved."""
        raise ValueError(self.name)


@strawberry.type
class Other:
    """The other member of the union."""

    word: str


Member = Annotated[Leaf | Other, strawberry.union("Member")]


def good(name: str = "good") -> Branch:
    leaf = Leaf(number=1, text=None)
    return Branch(
        name=name,
        leaf=leaf,
        maybe=None,
        leaves=[leaf, Leaf(number=2, text="two", colour=Colour.RED)],
        holes=[None, leaf],
        rows=[[1, 2], []],
    )


def bad(**fields: Any) -> Branch:
    made = good("bad")
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@strawberry.type
class Query:
    """Objects that are right, and objects that are not."""

    @strawberry.field
    def good(self) -> Branch:
        """As declared."""
        return good()

    @strawberry.field
    async def many(self) -> list[Branch]:
        """Several."""
        return [good(str(number)) for number in range(3)]

    @strawberry.field
    def members(self) -> list[Member]:
        """A union."""
        return [Leaf(number=7, text="x"), Other(word="y")]

    @strawberry.field
    def no_name(self) -> Branch | None:
        """Null where there must be something."""
        return bad(name=None)

    @strawberry.field
    def huge(self) -> Branch | None:
        """A number that does not fit."""
        return bad(leaf=Leaf(number=2**40, text=None))

    @strawberry.field
    def hole(self) -> Branch | None:
        """Null in a list that must be full."""
        return bad(leaves=[Leaf(number=1, text=None), None])

    @strawberry.field
    def no_list(self) -> Branch | None:
        """Something else than a list."""
        return bad(leaves=7)

    @strawberry.field
    def strange(self) -> Branch | None:
        """No member of the enum."""
        return bad(leaf=Leaf(number=1, text=None, colour="green"))  # pyright: ignore[reportArgumentType]

    @strawberry.field
    def lazy(self) -> Branch | None:
        """A generator for a list: the library takes it."""
        return bad(leaves=(leaf for leaf in good().leaves))


PLAIN = "number text colour share flag"
ALL = f"name leaf {{ {PLAIN} }} maybe {{ number }} leaves {{ {PLAIN} }} holes {{ number }} rows"
QUERIES = [
    f"{{ good {{ {ALL} }} }}",
    f"{{ many {{ {ALL} now }} }}",
    "{ good { now name later { number } b: name } }",
    "{ many { later { number text } name now leaf { number } } }",
    "{ good { __typename leaf { __typename a: number b: number } } }",
    "{ good { ...F leaf { number } } } fragment F on Branch { leaf { text } name }",
    "query($yes: Boolean! = true) { good { name @skip(if: $yes) leaf { number text @include(if: $yes) } } }",
    "{ good { ... on Branch { name } ... { rows } } }",
    "{ members { __typename ... on Leaf { number colour } ... on Other { word } } }",
    "{ good { name fails leaf { number } } many { name } }",
    "{ noName { leaf { number } } }",
    "{ noName { name leaf { number } } }",
    "{ noName { now name } }",
    "{ huge { name leaf { number } } }",
    "{ hole { leaves { number } } good { name } }",
    "{ noList { leaves { number } } }",
    "{ strange { leaf { colour number } } }",
    "{ lazy { leaves { number } } }",
    "{ __schema { queryType { name } } good { name } }",
    '{ __type(name: "Leaf") { fields { name } } }',
]


def answer(executor: type[Any], query: str) -> tuple[Any, Any]:
    schema = strawberry.Schema(Query, execution_context_class=executor)
    result = asyncio.run(schema.execute(query))
    return result.data, [error.formatted for error in result.errors or ()]


@pytest.mark.parametrize("query", QUERIES)
def test_the_answer_is_the_librarys_to_the_letter(query: str, caplog: pytest.LogCaptureFixture) -> None:
    ours = answer(PlainExecutor, query)
    theirs = answer(StrawberryGraphQLCoreExecutionContext, query)
    assert ours == theirs
    assert list((ours[0] or {}).keys()) == list((theirs[0] or {}).keys())
    assert str(ours[0]) == str(theirs[0]), "fields come in the order in which they were asked for"


def test_what_has_a_resolver_is_resolved_once() -> None:
    for query in ("{ good { name now leaf { number } } }", "{ noName { leaf { number } now } }"):
        CALLS.clear()
        answer(PlainExecutor, query)
        assert len(CALLS) == 1


def test_plain_data_does_not_go_the_long_way() -> None:
    fields: list[str] = []

    class Noting(PlainExecutor):
        def execute_field(self, *args: Any, **kwargs: Any) -> Any:
            fields.append(args[2][0].node.name.value)
            return super().execute_field(*args, **kwargs)

    answer(Noting, f"{{ many {{ {ALL} now }} }}")
    assert fields == ["many", "now", "now", "now"]
