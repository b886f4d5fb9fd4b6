"""One WebSocket that speaks ``graphql-transport-ws``: subscriptions, several at once, until either side ends.

::

    code   why we close                              try again?
    4400   a message that the protocol does not know  no
    4401   subscribed before connection_init, or the key was revoked   no
    4403   connection_init without a key that is known   no
    4406   the client does not speak graphql-transport-ws   no
    4408   no connection_init within 10 s            yes
    4409   an id that is in use                      no
    4429   connection_init twice                     no
    4500   the engine does not answer                yes
    4510   a reader that takes nothing for 10 s      yes: with ``after``, nothing is missed

What waits for a slow reader waits in the graph: here is never more than one message per subscription.
"""

import asyncio
from contextlib import aclosing, suppress
from typing import Any, Final, cast

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from ledger.access import Permission
from resolvers.build import Schema, answer_of
from server.auth import Gate
from server.errors import ApiError, BadRequest, Unauthenticated, problem_of
from server.graphql import ContextOf, Operation, dumps, operation_of

PROTOCOL: Final = "graphql-transport-ws"
INIT_SECONDS: Final = 10.0
SEND_SECONDS: Final = 10.0
KEY_SECONDS: Final = 1.0
"""How often the key is looked at again: with what the gate remembers, a revoked one ends within 5 s."""
SUBSCRIPTIONS_MAX: Final = 20
ID_LENGTH_MAX: Final = 128
TOO_MANY: Final = {
    "message": f"A connection follows {SUBSCRIPTIONS_MAX} subscriptions at most.",
    "extensions": {"code": "INVALID"},
}


class Ended(Exception):
    """The conversation is over; the client is told why by a code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Conversation:
    """From ``connection_init`` to the close. ``run`` returns when it is over."""

    def __init__(self, websocket: WebSocket, gate: Gate, schema: Schema, context_of: ContextOf) -> None:
        """On a connection that was accepted."""
        self._websocket = websocket
        self._gate = gate
        self._schema = schema
        self._context_of = context_of
        self._authorization: str | None = None
        self._begun = asyncio.Event()
        self._ended: asyncio.Future[Ended | None] = asyncio.get_running_loop().create_future()
        self._told: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Listen and tell until it is over, then say why."""
        beside = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        try:
            ended = await self._ended
        finally:
            tasks = [*beside, *self._told.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if ended is not None:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._websocket.close(ended.code, ended.reason)

    def _end(self, ended: Ended | None) -> None:
        if not self._ended.done():
            self._ended.set_result(ended)

    async def _listen(self) -> None:
        try:
            while True:
                await self._answer(_message(await self._websocket.receive()))
        except WebSocketDisconnect:
            self._end(None)
        except Ended as ended:
            self._end(ended)
        except Exception as error:  # noqa: BLE001 - the edge: what nobody foresaw is logged with its reference
            self._end(Ended(1011, problem_of(error).detail))

    async def _answer(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "connection_init":
                await self._begin(message.get("payload"))
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(_id_of(message), message.get("payload"))
            case "complete":
                task = self._told.pop(_id_of(message), None)
                if task is not None:
                    task.cancel()
            case _:
                raise Ended(4400, "Unknown type of message")

    async def _begin(self, payload: object) -> None:
        if self._authorization is not None:
            raise Ended(4429, "Too many initialisation requests")
        self._authorization = _authorization_of(payload)
        try:
            principal = await self._gate.principal(self._authorization)
            principal.require(Permission.READ)
        except Exception as error:
            problem = problem_of(error)
            code = {"UNAUTHENTICATED": 4403, "FORBIDDEN": 4403, "UNAVAILABLE": 4500}.get(problem.code, 1011)
            raise Ended(code, problem.detail) from error
        self._begun.set()
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, identifier: str, payload: object) -> None:
        """Begin one, and answer nothing else before it has its place: a pong says that it has."""
        if not self._begun.is_set():
            raise Ended(4401, "Unauthorized")
        if identifier in self._told:
            raise Ended(4409, f"Subscriber for {identifier} already exists")
        try:
            operation = operation_of(payload)
        except BadRequest as error:
            raise Ended(4400, str(error)) from error
        if len(self._told) >= SUBSCRIPTIONS_MAX:
            await self._send({"id": identifier, "type": "error", "payload": [TOO_MANY]})
            return
        following = asyncio.Event()
        task = asyncio.create_task(self._tell(identifier, operation, following))
        self._told[identifier] = task
        task.add_done_callback(lambda _: following.set())
        await following.wait()

    async def _tell(self, identifier: str, operation: Operation, following: asyncio.Event) -> None:
        try:
            principal = await self._gate.principal(self._authorization or "")
            context = self._context_of(principal)
            context.following = following
            results = self._schema.followed(
                operation.query, operation.variables, context, operation.operation_name
            )
            async with aclosing(results):
                async for result in results:
                    answer = answer_of(result)
                    if result.data is None:
                        errors = answer.get("errors", [])
                        await self._send({"id": identifier, "type": "error", "payload": errors})
                        return
                    await self._send({"id": identifier, "type": "next", "payload": answer})
            await self._send({"id": identifier, "type": "complete"})
        except Ended as ended:
            self._end(ended)
        except WebSocketDisconnect:
            self._end(None)
        except ApiError:
            self._end(Ended(4401, "Unauthorized"))
        except Exception as error:  # noqa: BLE001 - as in ``_listen``
            self._end(Ended(1011, problem_of(error).detail))
        finally:
            if self._told.get(identifier) is asyncio.current_task():
                del self._told[identifier]

    async def _watch(self) -> None:
        """End what never begins, and what a key may follow no longer."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                await self._begun.wait()
        except TimeoutError:
            self._end(Ended(4408, "Connection initialisation timeout"))
            return
        while True:
            await asyncio.sleep(KEY_SECONDS)
            try:
                await self._gate.principal(self._authorization or "")
            except Unauthenticated:
                self._end(Ended(4401, "This API key was revoked."))
                return
            except Exception:  # noqa: BLE001, S112 - the engine is away: nothing is told either, and it comes back
                continue

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._websocket.send({"type": "websocket.send", "text": dumps(message).decode()})
        except TimeoutError:
            raise Ended(4510, "Slow reader: subscribe again with `after`.") from None


def _message(received: Any) -> dict[str, Any]:
    """What a client says. Raises ``Ended`` for anything but a JSON object in a text frame."""
    if received["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(received.get("code") or 1005)
    try:
        message = orjson.loads(received.get("text") or b"")
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict):
        raise Ended(4400, "Send JSON objects as text frames")
    return cast("dict[str, Any]", message)


def _id_of(message: dict[str, Any]) -> str:
    identifier = message.get("id")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= ID_LENGTH_MAX:
        raise Ended(4400, f"An id is a text of 1 to {ID_LENGTH_MAX} characters")
    return identifier


def _authorization_of(payload: object) -> str:
    """``{"authorization": "Bearer …"}``, in any case, as a header would say it."""
    said = cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}
    texts = [value for name, value in said.items() if name.lower() == "authorization"]
    return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else ""
