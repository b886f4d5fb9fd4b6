"""Every edge between the source document's grades."""

import pytest

from pricing.anomaly import CostAnomaly, Severity, detect, severity_of
from pricing.errors import InstantOutOfRange, InvalidAmount


@pytest.mark.parametrize(
    ("actual", "severity"),
    [
        (1_000_000, None),
        (1_199_999, None),
        (1_200_000, Severity.LOW),
        (1_499_999, Severity.LOW),
        (1_500_000, Severity.MEDIUM),
        (1_999_999, Severity.MEDIUM),
        (2_000_000, Severity.HIGH),
        (3_000_000, Severity.HIGH),
        (3_000_001, Severity.CRITICAL),
        (800_001, None),
        (800_000, Severity.LOW),
        (500_001, Severity.LOW),
        (500_000, Severity.MEDIUM),
        (1, Severity.MEDIUM),
        (0, Severity.HIGH),
    ],
)
def test_each_edge_belongs_to_one_grade(actual: int, severity: Severity | None) -> None:
    assert severity_of(1_000_000, actual) is severity


def test_a_cost_where_none_was_estimated_is_critical_and_nothing_for_nothing_is_none() -> None:
    assert severity_of(0, 1) is Severity.CRITICAL
    assert severity_of(0, 0) is None
    found = detect("r", "openai", "gpt-4o", estimated_nano=0, actual_nano=1, at_us=5)
    assert found is not None
    assert found.difference_ppm is None


def test_an_anomaly_keeps_what_the_source_names() -> None:
    assert detect("r", "openai", "gpt-4o", estimated_nano=3, actual_nano=4, at_us=5) == CostAnomaly(
        "r", "openai", "gpt-4o", 3, 4, 333_333, Severity.LOW, 5
    )
    assert detect("r", None, None, estimated_nano=3, actual_nano=3, at_us=5) is None


def test_costs_below_nothing_and_instants_out_of_range_are_errors() -> None:
    with pytest.raises(InvalidAmount, match="estimated -1, actual 5"):
        severity_of(-1, 5)
    with pytest.raises(InstantOutOfRange):
        detect("r", None, None, estimated_nano=0, actual_nano=1, at_us=-1)
