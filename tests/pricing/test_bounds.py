"""Upper bounds: what a call can cost at most, and when nobody knows."""

import pytest

from pricing.bounds import NO_BOUND, Bound, Bounds, BoundSource, ModelLimits, ModelTable, load_models
from pricing.catalogue import load_catalogue
from pricing.quote import Pricer

AT_US = 1_790_856_000_000_000
CATALOGUE = load_catalogue()
BOUNDS = Bounds(Pricer([CATALOGUE]), load_models(), CATALOGUE)


def bound(model_id: str | None, prompt: int | None = None, completion: int | None = None) -> Bound:
    found = BOUNDS.bound(
        at_us=AT_US,
        provider=None,
        model_id=model_id,
        prompt_tokens=prompt,
        max_completion_tokens=completion,
    )
    if found.request is not None:
        counts = found.request.counts
        assert counts.total_tokens == found.tokens, "what it is the bound of"
    return found._replace(request=None)


def test_what_the_caller_allows_is_the_bound() -> None:
    # 2.50 and 10 USD per million tokens
    assert bound("gpt-4o", 1000, 500) == Bound(7_500_000, "USD", 1500, BoundSource.ASKED, None)


def test_without_a_maximum_it_is_the_models_longest_answer() -> None:
    assert bound("gpt-4o", 1000) == Bound(166_340_000, "USD", 17_384, BoundSource.MODEL_OUTPUT, None)
    assert bound("openai/gpt-4o", 1000).tokens == 17_384
    assert bound("gpt-4o-2024-05-13", 1000).tokens == 5_096


def test_else_it_is_what_the_context_window_leaves() -> None:
    found = bound("mistral-large-latest", 1000)
    assert (found.tokens, found.source) == (131_072, BoundSource.CONTEXT_WINDOW)
    assert bound("mistral-large-latest", 200_000).tokens == 200_000


def test_models_that_the_table_does_not_have_take_the_catalogues_context() -> None:
    found = bound("gpt-4o-realtime-preview", 1000)
    assert (found.tokens, found.source) == (32_000, BoundSource.CONTEXT_WINDOW)


def test_a_prompt_of_unknown_length_may_fill_the_context() -> None:
    assert bound("gpt-4o").tokens == 128_000
    assert bound("gpt-4o", None, 500).tokens == 128_000


@pytest.mark.parametrize(("prompt", "completion"), [(None, None), (5, None), (None, 5)])
def test_where_nobody_knows_there_is_no_bound(prompt: int | None, completion: int | None) -> None:
    assert bound("a model of their own", prompt, completion).reason == NO_BOUND
    assert bound(None, prompt, completion).cost_nano is None


def test_a_model_without_a_price_has_a_bound_on_tokens_alone() -> None:
    assert bound("a model of their own", 5, 7) == Bound(None, "USD", 12, BoundSource.ASKED, "UNKNOWN_MODEL")


def test_another_model_is_not_taken_for_its_elder() -> None:
    table = ModelTable({"claude-opus-4": ModelLimits(32_000, 200_000)})
    assert table.find("claude-opus-4-20250514") is not None
    assert table.find("anthropic/Claude-Opus-4-20250514") is not None
    assert table.find("claude-opus-4-9") is None
    assert table.find("claude-opus-40") is None
    assert table.find("") is None


def test_every_row_of_the_table_says_what_it_knows() -> None:
    table = load_models()
    for name in ("gpt-4o", "claude-3-opus", "gemini-2.5-pro", "deepseek-chat", "command-r", "o3"):
        found = table.find(name)
        assert found is not None
        assert found.max_output_tokens is not None
        assert found.context_tokens is not None
        assert found.max_output_tokens <= found.context_tokens
