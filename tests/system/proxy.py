"""A TCP proxy on a port of its own, which passes on, swallows or holds back either direction, cuts off, and
does what it is told to Kafka's answers to Produce requests."""

import asyncio
import random
import threading
from collections.abc import Callable

PIECE_BYTES = 65_536
PRODUCE = 0  # Kafka's api key
UP, DOWN = "up", "down"  # towards the target; from it

# What becomes of an answer: seconds that it is late, how often it is sent, and whether the connection ends.
Treatment = tuple[float, int, bool]
AS_IT_IS: Treatment = (0.0, 1, False)


class Proxy:
    """`target` is a port of 127.0.0.1, and may be named later. All methods from any thread."""

    def __init__(self, target: int | None = None, kafka: bool = False):
        self.target = target
        self.kafka = kafka  # frame by frame: a length in four bytes, then so many
        self.treat: Callable[[], Treatment] | None = None
        self.treated = 0
        self.refusing = False
        self.swallowing: set[str] = set()
        self.held: dict[str, asyncio.Event] = {}
        self.connections: set[Connection] = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.port = self._do(self._listen())

    def swallow(self, *directions: str) -> None:
        """What goes there is lost from now on, and nobody is told."""
        self._do(self._swallow(directions))

    def hold(self, *directions: str) -> None:
        """What goes there comes when the cut ends, as TCP repeats it then."""
        self._do(self._hold(directions))

    def cut(self) -> None:
        """Connections end, and new ones do so at once."""
        self._do(self._cut())

    def heal(self) -> None:
        """Passes on again. A connection that lost something ends; others go on where they were."""
        self._do(self._heal())

    def close(self) -> None:
        self._do(self._cut())
        self.server.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _listen(self) -> int:
        self.held = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        for passing in self.held.values():
            passing.set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def _swallow(self, directions: tuple[str, ...]) -> None:
        self.swallowing = set(directions)

    async def _hold(self, directions: tuple[str, ...]) -> None:
        for direction in directions:
            self.held[direction].clear()

    async def _cut(self) -> None:
        self.refusing = True
        for connection in list(self.connections):
            connection.end()

    async def _heal(self) -> None:
        self.refusing, self.swallowing = False, set()
        for passing in self.held.values():
            passing.set()
        for connection in [one for one in self.connections if one.lost_something]:
            connection.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing or self.target is None:
            writer.transport.abort()
            return
        try:
            onward = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(self, writer, onward[1])
        self.connections.add(connection)
        ways = [connection.pump(UP, reader, onward[1]), connection.pump(DOWN, onward[0], writer)]
        try:
            await asyncio.gather(*ways)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            connection.end()
            self.connections.discard(connection)


class Connection:
    def __init__(self, proxy: Proxy, *writers: asyncio.StreamWriter):
        self.proxy = proxy
        self.writers = writers
        self.lost_something = False
        self.produced: set[bytes] = set()  # correlation ids that wait for an answer

    def end(self) -> None:
        for writer in self.writers:
            writer.transport.abort()

    async def pump(self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy = self.proxy
        while piece := await self._read(reader):
            late, times, ending = self._treatment(direction, piece)
            if late:
                await asyncio.sleep(late)
            await proxy.held[direction].wait()
            if direction in proxy.swallowing:
                self.lost_something = True
                continue
            for _ in range(times):
                writer.write(piece)
            await writer.drain()
            if ending:
                break
        self.end()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        if not self.proxy.kafka:
            return await reader.read(PIECE_BYTES)
        length = await reader.readexactly(4)
        return length + await reader.readexactly(int.from_bytes(length, "big"))

    def _treatment(self, direction: str, piece: bytes) -> Treatment:
        """A request begins with api key, its version and a correlation id, the answer with that id."""
        if self.proxy.treat is None:
            return AS_IT_IS
        if direction == UP:
            if int.from_bytes(piece[4:6], "big") == PRODUCE:
                self.produced.add(piece[8:12])
            return AS_IT_IS
        if piece[4:8] not in self.produced:
            return AS_IT_IS
        self.produced.discard(piece[4:8])
        treatment = self.proxy.treat()
        self.proxy.treated += treatment != AS_IT_IS
        return treatment


def at_random(rng: random.Random, share: float, longest_seconds: float) -> Callable[[], Treatment]:
    """Of so large a share of the answers each is late, doubled, or lost with or without its connection."""

    def treat() -> Treatment:
        if rng.random() >= share:
            return AS_IT_IS
        late = (rng.random() * longest_seconds, 1, False)
        return rng.choice([late, (0.0, 2, False), (0.0, 0, False), (0.0, 0, True)])

    return treat


# From a process that dies to a cable that is put in again.
CUTS = {
    "connections end": Proxy.cut,
    "both ways lost": lambda proxy: proxy.swallow(UP, DOWN),
    "towards the broker lost": lambda proxy: proxy.swallow(UP),
    "from the broker lost": lambda proxy: proxy.swallow(DOWN),
    "both ways held back": lambda proxy: proxy.hold(UP, DOWN),
    "from the broker held back": lambda proxy: proxy.hold(DOWN),
}
