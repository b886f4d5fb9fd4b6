"""What an operation may ask, checked before anything runs.

| what                        | at most                               |
| --------------------------- | ------------------------------------- |
| words of a document         | ``TOKENS_MAX``: values go in variables |
| nesting                     | ``DEPTH_MAX``                         |
| aliases, fragments expanded | ``ALIASES_MAX``                       |
| a page                      | ``schema.words.FIRST_MAX``            |
| a batch of usages           | ``ledger.service.BATCH_MAX``          |
| objects of an answer        | ``resolvers.request.OBJECTS_MAX``     |

Introspection is allowed: the schema is public, and its nesting does not count.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
)
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)

TOKENS_MAX: Final = 10_000
DEPTH_MAX: Final = 20
ALIASES_MAX: Final = 50
CACHED_DOCUMENTS_MAX: Final = 256
CACHED_CHARACTERS_MAX: Final = 8_192


class _Size(NamedTuple):
    """How deep a selection goes, and how many aliases it has."""

    depth: int
    aliases: int


_NOTHING: Final = _Size(0, 0)


class WithinBounds(ASTValidationRule):
    """Refuses documents that nest too deep or rename too much.

    The library's own two rules walk a fragment once per use, so that a short document of fragments that use
    each other twice keeps them busy for minutes; here each fragment is measured once.
    """

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        """Measure every operation."""
        fragments = {
            each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)
        }
        measured: dict[str, _Size] = {}
        for each in node.definitions:
            if isinstance(each, OperationDefinitionNode):
                size = self._size(each.selection_set, fragments, measured)
                if size.depth > DEPTH_MAX:
                    self.report_error(
                        GraphQLError(
                            f"The operation nests {size.depth} deep; at most {DEPTH_MAX} is taken.", each
                        )
                    )
                if size.aliases > ALIASES_MAX:
                    self.report_error(
                        GraphQLError(
                            f"The operation has {size.aliases} aliases; at most {ALIASES_MAX} are taken.",
                            each,
                        )
                    )

    def _size(
        self,
        selections: SelectionSetNode | None,
        fragments: dict[str, FragmentDefinitionNode],
        measured: dict[str, _Size],
    ) -> _Size:
        depth = aliases = 0
        for each in selections.selections if selections is not None else ():
            if isinstance(each, FragmentSpreadNode):
                below = self._fragment(each.name.value, fragments, measured)
            elif isinstance(each, FieldNode) and each.name.value.startswith("__"):
                below = _NOTHING
            else:
                below = self._size(getattr(each, "selection_set", None), fragments, measured)
            if isinstance(each, FieldNode):
                below = _Size(below.depth + 1, below.aliases + (each.alias is not None))
            depth = max(depth, below.depth)
            aliases += below.aliases
        return _Size(depth, aliases)

    def _fragment(
        self, name: str, fragments: dict[str, FragmentDefinitionNode], measured: dict[str, _Size]
    ) -> _Size:
        if name not in measured:
            # Until it is measured it counts nothing: one that uses itself is refused by GraphQL's own rules.
            measured[name] = _NOTHING
            if name in fragments:
                measured[name] = self._size(fragments[name].selection_set, fragments, measured)
        return measured[name]


class _SmallParserCache(ParserCache):
    """Remembers short documents: a long one would not come twice, and takes much memory."""

    def on_parse(self) -> Iterator[None]:
        """Parse, or remember."""
        if len(self.execution_context.query or "") <= CACHED_CHARACTERS_MAX:
            yield from super().on_parse()
        else:
            yield


class _SmallValidationCache(ValidationCache):
    """Remembers that a short document is valid, or why it is not."""

    def on_validate(self) -> Iterator[None]:
        """Validate, or remember."""
        if len(self.execution_context.query or "") <= CACHED_CHARACTERS_MAX:
            yield from super().on_validate()
        else:
            yield


def limits() -> list[Any]:
    """The extensions of the schema that hold an operation to its limits, as factories."""

    def tokens() -> SchemaExtension:
        return MaxTokensLimiter(max_token_count=TOKENS_MAX)

    def rules() -> SchemaExtension:
        return AddValidationRules([WithinBounds])

    def parsed() -> SchemaExtension:
        return _SmallParserCache(maxsize=CACHED_DOCUMENTS_MAX)

    def validated() -> SchemaExtension:
        return _SmallValidationCache(maxsize=CACHED_DOCUMENTS_MAX)

    return [tokens, rules, parsed, validated]
