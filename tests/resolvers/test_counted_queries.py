"""However much a request shows, it asks the graph the same number of times."""

from collections.abc import Generator
from dataclasses import dataclass

import pytest

from graph.database import Database
from tests.support.counting import CountingDatabase
from tests.support.experiments import evaluated, evaluation, experiment, lineage
from tests.support.price_documents import holding_source
from tests.support.reserving import held, settle
from tests.support.services import Caller, admin_of, budget, open_services, record, usage


@dataclass
class Counter:
    """A caller, and what its last request asked."""

    caller: Caller
    database: CountingDatabase

    def queries(self, text: str) -> list[str]:
        """The queries that a request asks."""
        self.database.asked.clear()
        self.caller.get(text)
        return list(self.database.asked)


@pytest.fixture
def counter(database: Database, tenant: str) -> Generator[Counter]:
    with CountingDatabase(database.connection) as counting, open_services(counting) as services:
        yield Counter(admin_of(services, tenant), counting)


def grow(caller: Caller, begin: int, end: int) -> None:
    """More of everything: budgets with usage of agents with parents."""
    for number in range(begin, end):
        budget(caller, f"web{number:02d}", "acme", amount="10")
        budget(caller, f"task{number:02d}", f"web{number:02d}", amount="5")
    register = "mutation($input: RegisterAgentInput!) { registerAgent(input: $input) { agentId } }"
    for number in range(begin, end):
        said = {
            "agentId": f"agent{number:02d}",
            "budgetId": f"web{number:02d}",
            "parentAgentIds": [f"elder{number % 3}", "eldest"],
        }
        caller.get(register, input=said)
    rows = [
        usage(f"op{number}/{each}", budgetId=f"task{number:02d}", agentId=f"agent{number:02d}")
        for number in range(begin, end)
        for each in range(3)
    ]
    record(caller, *rows)
    for number in range(begin, end):
        held(caller, f"hold{number}", f"task{number:02d}", amount="0.01")
        holding_source(caller.services.price_sources, caller.principal.tenant, f"source{number}")


SHOWN = {
    "budgets": """{ budgets(first: 100) { nodes {
        budgetId name parent { budgetId status { spent } } ancestors { budgetId } childCount
        children { budgetId warnings { code } status { spent effectiveAvailable limits { spent } } }
        status { spent available effectiveAvailable state limits { amount spent } }
    } pageInfo { hasNextPage } } }""",
    "rollups": """{ budgets(first: 100) { nodes {
        rollup { total { totalCost } own { operations } }
        byAgent: rollup(by: [AGENT, MODEL]) { rows { keys { value } measures { totalCost } } }
    } } }""",
    "usage": """{ usage(first: 100) { nodes {
        operationId costEntry { totalCost } costEntries { kind }
        agent { agentId parents { agentId } budget { budgetId status { spent } } }
        budget { budgetId parent { budgetId status { spent } } status { spent } }
    } } }""",
    "agents": """{ agents(first: 100) { nodes {
        agentId parents { agentId children { agentId } } children { agentId budget { budgetId } }
        budget { budgetId status { state } }
    } } }""",
    "unpriced": """{ usage(filter: {pricing: UNPRICED}, first: 100) {
        nodes { operationId agent { agentId } }
    } }""",
    "keys": "{ apiKeys(first: 100) { nodes { keyId budgetId } } }",
    "audit": "{ auditLog(first: 100) { nodes { action subject budgetId before after } } }",
    "sources": """{
        priceSources { sourceId waiting refreshes { outcome } }
        heldPrices(first: 100) { nodes { heldId jumps { unit } } }
    }""",
    "held": """{ budgets(first: 100) { nodes {
        openReservations status { reserved available limits { reserved available } }
        children { openReservations }
    } } }""",
}


def test_no_list_asks_once_per_item(counter: Counter) -> None:
    budget(counter.caller, "acme", amount="100")
    grow(counter.caller, 0, 2)
    few = {name: counter.queries(text) for name, text in SHOWN.items()}
    grow(counter.caller, 2, 12)
    many = {name: counter.queries(text) for name, text in SHOWN.items()}
    assert {name: sorted(asked) for name, asked in many.items()} == {
        name: sorted(asked) for name, asked in few.items()
    }
    assert all(asked for asked in many.values())
    assert {name: len(asked) for name, asked in many.items() if name != "rollups"} == {
        "budgets": 2,
        "usage": 7,
        "agents": 7,
        "unpriced": 3,
        "keys": 2,
        "audit": 2,
        "sources": 2,
        "held": 3,
    }


def test_a_confined_key_asks_as_little(counter: Counter) -> None:
    budget(counter.caller, "acme", amount="100")
    grow(counter.caller, 0, 2)
    whole = counter.caller
    counter.caller = whole.confined("acme")
    few = {name: len(counter.queries(text)) for name, text in SHOWN.items()}
    grow(whole, 2, 8)
    many = {name: len(counter.queries(text)) for name, text in SHOWN.items()}
    assert many == few


def test_many_aliases_of_one_field_are_read_together(counter: Counter) -> None:
    budget(counter.caller, "acme", amount="100")
    grow(counter.caller, 0, 12)
    single = '{ a: budget(budgetId: "web00") { status { spent } rollup { asOf } } }'
    counter.queries(single)  # the process remembers what is not folded yet
    one = counter.queries(single)
    text = " ".join(
        f'a{number}: budget(budgetId: "web{number:02d}") {{ status {{ spent }} rollup {{ asOf }} }}'
        for number in range(12)
    )
    assert sorted(counter.queries(f"{{ {text} }}")) == sorted(one)


def test_recording_asks_nothing_of_the_read_side(counter: Counter) -> None:
    counter.database.asked.clear()
    record(counter.caller, *[usage(f"op{number}") for number in range(50)])
    assert counter.database.asked == []


def test_many_reservations_are_read_together(counter: Counter) -> None:
    budget(counter.caller, "acme", amount="100")
    ids = [held(counter.caller, f"k{number}", "acme", amount="0.01")["reservationId"] for number in range(12)]
    shown = "{ state remaining warnings { code } }"
    one = counter.queries(f'{{ a: reservation(reservationId: "{ids[0]}") {shown} }}')
    text = " ".join(f'a{n}: reservation(reservationId: "{each}") {shown}' for n, each in enumerate(ids))
    assert counter.queries(f"{{ {text} }}") == one
    assert len(one) == 2


def test_reserving_asks_nothing_of_the_read_side(counter: Counter) -> None:
    counter.database.asked.clear()
    found = held(counter.caller, "k", amount="0.5")["reservationId"]
    settle(counter.caller, found, usage("op"))
    assert counter.database.asked == []


def test_what_will_be_carried_over_takes_one_more_query_for_all(counter: Counter) -> None:
    caller = counter.caller
    for number in range(8):
        budget(caller, f"b{number}", amount="1", recurrence="DAILY", carryOverCap="5")
    asked = counter.queries("{ budgets { nodes { status { available } } } }")
    assert asked.count("ledger/windows") <= 2


FITNESS = """query($first: Int!) { agents(first: $first) { nodes {
    agentId
    fitness(experiment: "e") { overall effectiveness costOfPass }
    log: fitness(experiment: "e", normalisation: LOG, weights: {effectiveness: 1}) { overall }
} } }"""
EXPERIMENT = """{ experiment(experimentId: "e") {
    budget { budgetId status { spent } }
    agents(first: 500) { nodes { agentId agent { agentId parents { agentId } budget { budgetId } } } }
    evaluations(first: 500) { nodes { evaluationId cost log } }
    selections { nodes { chosen reproducible candidates { agentId } } }
    generations { number spend best { agentId } diversity { faithPd } }
    dominance: frontier { size } hull: frontier(kind: HULL) { size }
    clades(first: 500) { nodes { agentId cost } } costToDiscover { cost } costs { measured }
} }"""


def test_fitness_of_fifty_agents_asks_as_little_as_of_one(counter: Counter) -> None:
    caller = counter.caller
    experiment(caller, referencePrice="1")
    for number in range(50):
        lineage(caller, {"agentId": f"a{number:02d}", "parentAgentIds": ["a00"] if number else []})
    record(caller, *[usage(f"op{number}", providerCost="0.5") for number in range(50)])
    evaluated(
        caller,
        *[evaluation(f"v{number}", f"a{number:02d}", operationIds=[f"op{number}"]) for number in range(50)],
    )

    def asked(first: int) -> list[str]:
        counter.database.asked.clear()
        shown = caller.get(FITNESS, first=first)["agents"]["nodes"]
        assert len(shown) == first
        assert all(each["fitness"]["overall"] is not None for each in shown)
        return sorted(counter.database.asked)

    one = asked(1)
    assert asked(50) == one
    assert one.count("evolution/evaluations") == one.count("evolution/operation_costs") == 1


def test_an_experiment_asks_as_little_however_much_is_in_it(counter: Counter) -> None:
    caller = counter.caller
    experiment(caller, referencePrice="1")

    def grow_to(begin: int, end: int) -> None:
        for number in range(begin, end):
            lineage(caller, {"agentId": f"a{number}", "parentAgentIds": [f"a{number - 1}"] if number else []})
        record(caller, *[usage(f"op{number}", providerCost="0.5") for number in range(begin, end)])
        rows = [
            {**evaluation(f"v{n}", f"a{n}", operationIds=[f"op{n}"]), "log": n} for n in range(begin, end)
        ]
        evaluated(caller, *rows)

    grow_to(0, 2)
    few = sorted(counter.queries(EXPERIMENT))
    grow_to(2, 40)
    assert sorted(counter.queries(EXPERIMENT)) == few


PRICES_SHOWN = {
    "explanations": """{ usage(first: 100) { nodes {
        operationId costEntries { totalCost explanation { lines exact terms { card cost } } }
    } } }""",
    "rate cards": "{ rateCards(first: 100) { nodes { cardId author lines { unit price } } } }",
    "exchange rates": "{ exchangeRates(first: 100) { nodes { base quote rate } } }",
}


def test_prices_and_explanations_ask_as_little_however_many_there_are(counter: Counter) -> None:
    budget(counter.caller, "acme", amount="100")
    create = "mutation($input: RateCardInput!) { createRateCard(input: $input) { cardId } }"

    def more(begin: int, end: int) -> None:
        grow(counter.caller, begin, end)
        for number in range(begin, end):
            lines = [{"unit": "*", "discountPercent": str(number + 1)}]
            deal = {"cardId": f"deal{number:02d}", "budgetId": f"web{number:02d}", "model": "gpt-4o"}
            counter.caller.get(create, input={**deal, "lines": lines})
        rows = [usage(f"deal{number}", budgetId=f"task{number:02d}") for number in range(begin, end)]
        record(counter.caller, *rows)

    more(0, 2)
    few = {name: sorted(counter.queries(text)) for name, text in PRICES_SHOWN.items()}
    more(2, 9)
    counter.queries(PRICES_SHOWN["rate cards"])  # the first look after a card was said reads what is new
    many = {name: sorted(counter.queries(text)) for name, text in PRICES_SHOWN.items()}
    assert {name: len(asked) for name, asked in many.items()} == {
        "explanations": 6,
        "rate cards": 2,
        "exchange rates": 1,
    }
    assert all(len(many[name]) <= len(few[name]) for name in many)


def test_a_month_s_costs_ask_as_little_however_much_is_agreed_below(counter: Counter) -> None:
    caller = counter.caller
    budget(caller, "acme")
    agree = "mutation($input: AgreementInput!) { createAgreement(input: $input) { version } }"

    def grow_to(begin: int, end: int) -> None:
        for number in range(begin, end):
            budget(caller, f"web{number}", "acme")
            said = {"agreementId": f"deal{number}", "budgetId": f"web{number}", "fromMonth": "2026-10"}
            caller.get(agree, input={**said, "commitments": [{"termId": "c", "amount": "1"}]})
            record(caller, usage(f"op{number}", budgetId=f"web{number}", estimatedCost="9"))

    shown = """{
        monthlyCosts(budgetId: "acme") { billedCost lines { termId } }
        costAnomalies { nodes { requestId } } agreements { nodes { version } }
    }"""
    grow_to(0, 2)
    counter.queries(shown)  # the process remembers what is not folded yet
    few = sorted(counter.queries(shown))
    grow_to(2, 12)
    counter.queries(shown)
    assert sorted(counter.queries(shown)) == few
    assert few.count("agreements/months") == 1
