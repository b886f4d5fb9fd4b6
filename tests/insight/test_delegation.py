"""Sums over operations and what they delegated, against a count by hand and by brute force."""

import random

from insight.delegation import Forest, Node, Spend


def node(uid: str, parent: str | None = None, **fields: object) -> Node:
    said: dict[str, object] = {
        "operation_id": uid,
        "agent_id": "agent",
        "session_id": None,
        "budget_uid": "seen",
        "outcome": "OK",
        "pricing": "PRICED",
        "timestamp_us": 0,
        "prompt_tokens": 2,
        "completion_tokens": 1,
        "costs": {"USD": (3, 2, 1)},
        **fields,
    }
    return Node(uid, parent, **said)  # type: ignore[arg-type]


def sees(budget_uid: str) -> bool:
    return budget_uid == "seen"


def test_each_operation_is_counted_once() -> None:
    forest = Forest([node("b", "a"), node("a"), node("c", "b"), node("d", "b", outcome="ERROR")], sees)
    shares = forest.operation("a")
    assert shares.own == Spend(1, 2, 1, 0, {"USD": (3, 2, 1)}, {"OK": 1})
    assert shares.delegated == Spend(3, 6, 3, 0, {"USD": (9, 6, 3)}, {"OK": 2, "ERROR": 1})
    assert shares.total.operations == 4
    assert forest.operation("c").delegated == Spend()


def test_currencies_stay_apart_and_what_has_no_price_is_counted() -> None:
    nodes = [
        node("a"),
        node("b", "a", costs={"EUR": (1, 1, 1)}),
        node("c", "a", costs={}, pricing="UNPRICED"),
    ]
    total = Forest(nodes, sees).operation("a").total
    assert total.costs == {"USD": (3, 2, 1), "EUR": (1, 1, 1)}
    assert (total.operations, total.unpriced) == (3, 1)


def test_what_is_not_seen_is_left_out_and_what_is_below_it_counts_for_what_is_above() -> None:
    nodes = [node("a"), node("hidden", "a", budget_uid="other"), node("c", "hidden"), node("d", "c")]
    forest = Forest(nodes, sees)
    assert [each.uid for each in forest.roots] == ["a"]
    assert [each.uid for each in forest.children("a")] == ["c"]
    assert forest.operation("a").delegated.operations == 2
    assert "hidden" not in forest


def test_agents_count_what_is_below_them_and_not_their_own() -> None:
    nodes = [
        node("a", agent_id="boss"),
        node("b", "a", agent_id="worker"),
        node("c", "b", agent_id="boss"),
        node("d", "c", agent_id="helper"),
    ]
    agents = Forest(nodes, sees).agents()
    assert {name: (each.own.operations, each.delegated.operations) for name, each in agents.items()} == {
        "boss": (2, 2),
        "helper": (1, 0),
        "worker": (1, 2),
    }


def test_shares_of_a_session_leave_out_what_was_done_above_it() -> None:
    nodes = [node("a"), node("b", "a", session_id="s"), node("c", "b"), node("d", "c", session_id="s")]
    shares = Forest(nodes, sees).shares(lambda each: each.session_id == "s")
    assert (shares.own.operations, shares.delegated.operations) == (2, 1)


def test_a_long_chain_is_no_deep_recursion() -> None:
    nodes = [node(f"n{number}", f"n{number - 1}" if number else None) for number in range(5_000)]
    assert Forest(nodes, sees).operation("n0").delegated.operations == 4_999


def test_sums_agree_with_brute_force() -> None:
    for seed in range(20):
        chance = random.Random(seed)
        nodes = [
            node(
                f"n{number}",
                f"n{chance.randrange(number)}" if number and chance.random() < 0.9 else None,
                agent_id=f"agent{chance.randrange(4)}",
                budget_uid="seen" if chance.random() < 0.8 else "other",
                costs={"USD": (chance.randrange(9), 0, 1)},
            )
            for number in range(60)
        ]
        by_uid = {each.uid: each for each in nodes}

        def above(each: Node, by_uid: dict[str, Node] = by_uid) -> list[str]:
            line: list[str] = []
            at = each.parent_uid
            while at is not None:
                line.append(at)
                at = by_uid[at].parent_uid
            return line

        forest = Forest(nodes, sees)
        seen = [each for each in nodes if sees(each.budget_uid)]
        for each in seen:
            below = [other for other in seen if each.uid in above(other)]
            delegated = forest.operation(each.uid).delegated
            assert delegated.operations == len(below)
            assert delegated.costs.get("USD", (0, 0, 0))[0] == sum(other.costs["USD"][0] for other in below)
        for agent, shares in forest.agents().items():
            own = {each.uid for each in seen if each.agent_id == agent}
            below = [other for other in seen if other.uid not in own and own & set(above(other))]
            assert shares.delegated.operations == len(below)
            assert forest.shares(lambda each, agent=agent: each.agent_id == agent) == shares
