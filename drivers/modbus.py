"""Any Modbus device by a template of its registers (DevType=Modbus): RTU, Modbus/TCP, RTU over TCP.

Models: those of etc/templates, each with the document that its registers were taken from, and whatever a user
describes in a template of his own (docs/templates.md). Source: Modbus application protocol 1.1b3. The frame, drawn
with one letter a byte, stands in `modbus_frame`. Line settings are the device's own; 8 data bits, no parity,
1 stop bit.

Quirks
- Modbus has no identification: a device is present when its first request is answered, be it by an exception.
- Neighbouring values are read with one request, through holes of at most MaxHole registers. Where a device
  refuses that (exceptions 2 to 4), the request is split at its widest hole, down to single values; what
  was learned holds for this contact. What is refused by itself is not known; one such request is made
  again at every reading, in turn, so that a passing refusal costs no value for good.
- A device that tells a serial number tells it at every reading: another one behind the same address is met as another
  device.
- An answer over RTU does not say what was asked for; so requests that follow one another differ in length where
  they can, and a late answer is known by its length.
- On a serial line unit 0 is a broadcast, which nobody answers.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

from drivers.modbus_decode import decode_number, decode_reading
from drivers.modbus_frame import RTU, TCP, Framing, ModbusRefused, Request, ask, data_of
from drivers.modbus_write import WRITE_ONLY, ask_to_write, check_held
from engine.dialogue import Ask, Driver, Identity, Setup, Write
from engine.errors import NoAnswer, Refused
from engine.model import Reading
from engine.template.modbus_map import COILS, DISCRETE_INPUTS, HOLDING_REGISTERS, Cell, Template

NAME = "Modbus"
ID = b"Modbus"
NO_FUNCTION = 1
SPLITTING = (2, 3, 4)
"""Exceptions that may mean that one of the registers does not exist: which one, nobody tells."""
BITS_PER_REGISTER = 16
BITS_MOST = 2000
"""Of coils and discrete inputs sixteen count as one register, up to the protocol's limit."""
NO_UNIT = "для Modbus RTU нужен NetAddr от 1 до 247"
NOTHING_THERE = "на этом адресе нет ни одного регистра шаблона"


@dataclass(frozen=True, slots=True)
class Span:
    """Cells that are read with one request, in the order of their addresses."""

    cells: tuple[Cell, ...]

    @property
    def first(self) -> int:
        return self.cells[0].address

    @property
    def count(self) -> int:
        return max(cell.end for cell in self.cells) - self.first


@dataclass
class Layout:
    """What is known of one device during a contact: requests that it answers, and those that it refuses."""

    answered: list[Span]
    refused: list[Span] = field(default_factory=list)
    transaction: int = 1

    def next_transaction(self) -> int:
        self.transaction = self.transaction % 0xFFFF + 1
        return self.transaction

    def to_ask(self) -> list[Span]:
        """The requests of one reading."""
        return apart([*self.answered, *self.refused[:1]])

    def learn(self, asked: list[Span], answered: list[Span], refused: list[Span]) -> None:
        """Take note of a whole reading; what is still refused waits for its next turn."""
        self.refused = [span for span in self.refused if span not in asked] + refused
        self.answered = answered


# --- which requests


def plan(template: Template) -> list[Span]:
    """The fewest requests that holes and lengths allow, by function and address."""
    spans: list[list[Cell]] = []
    cells = {cell for point in template.points for cell in point.reads}
    for cell in sorted(cells, key=lambda cell: (cell.function, cell.address, cell.end)):
        if spans and _fits(spans[-1], cell, template):
            spans[-1].append(cell)
        else:
            spans.append([cell])
    return [Span(tuple(span)) for span in spans]


def apart(spans: list[Span]) -> list[Span]:
    """The same in an order in which no answer looks like the one before it, as far as there is such an order."""
    waiting, ordered = list(spans), list[Span]()
    while waiting:
        shape = (ordered[-1].cells[0].function, ordered[-1].count) if ordered else None
        places = (place for place, span in enumerate(waiting) if (span.cells[0].function, span.count) != shape)
        ordered.append(waiting.pop(next(places, 0)))
    return ordered


def _fits(span: list[Cell], cell: Cell, template: Template) -> bool:
    factor = BITS_PER_REGISTER if cell.function in (COILS, DISCRETE_INPUTS) else 1
    longest = min(template.max_registers * factor, BITS_MOST)
    end = max(each.end for each in span)
    near = cell.address - end <= template.max_hole * factor
    return near and span[0].function == cell.function and max(end, cell.end) - span[0].address <= longest


def split(span: Span) -> tuple[Span, Span] | None:
    """The span as two, at its widest hole, of several the one nearest to the middle; None for a single value."""
    cells = span.cells
    ends = [max(cell.end for cell in cells[: place + 1]) for place in range(len(cells))]
    holes = [
        (cells[place].address - ends[place - 1], -abs(2 * place - len(cells)), place)
        for place in range(1, len(cells))
        if cells[place].address >= ends[place - 1]
    ]
    if not holes:
        return None
    place = max(holes)[2]
    return Span(cells[:place]), Span(cells[place:])


# --- dialogues


def ask_id(setup: Setup) -> Generator[Ask, bytes, bytes]:
    """Whether anybody is there: any answer to the first request of the template will do."""
    template = _template(setup)
    yield _ask(setup, template, plan(template)[0], 1)
    return ID


def open_device(setup: Setup, _id: bytes) -> Generator[Ask, bytes, Identity]:
    """The serial number, where the template tells its place."""
    template = _template(setup)
    numbers = tuple(point for point in template.points if (point.system, point.key) == (0, "DevNumber"))
    layout = Layout(plan(replace(template, points=numbers)))
    found = yield from _read_all(setup, template, layout)
    return Identity(template.name, NAME, decode_number(template, found), Layout(plan(template), [], layout.transaction))


def read(setup: Setup, identity: Identity) -> Generator[Ask, bytes, Reading]:
    """Current values. Raises Refused when the device has none of them."""
    template, layout = _template(setup), identity.layout
    assert isinstance(layout, Layout)
    found = yield from _read_all(setup, template, layout)
    if not found:
        raise Refused(NOTHING_THERE)
    return decode_reading(setup, template, found)


def write(setup: Setup, identity: Identity, wanted: Write) -> Generator[Ask, bytes, None]:
    """One holding register of this very device, read back. Raises Refused when it holds another number afterwards."""
    template, layout, framing = _template(setup), identity.layout, _framing(setup)
    assert isinstance(layout, Layout)
    if framing is RTU and not setup.address:
        raise Refused(NO_UNIT)
    request = ask_to_write(framing, setup.address, wanted, layout.next_transaction())
    data_of((yield replace(request, pause_s=template.pause_s)))
    written = Span((Cell(HOLDING_REGISTERS, wanted.register, 1, "uint"),))
    try:
        held = data_of((yield _ask(setup, template, written, layout.next_transaction())))
    except ModbusRefused as refusal:
        if refusal.code not in WRITE_ONLY:
            raise
    else:
        check_held(wanted, held)


def _read_all(setup: Setup, template: Template, layout: Layout) -> Generator[Ask, bytes, dict[Cell, bytes]]:
    """What each cell holds that the device has got."""
    asked = layout.to_ask()
    found: dict[Cell, bytes] = {}
    answered: list[Span] = []
    refused: list[Span] = []
    waiting = asked[::-1]
    while waiting:
        span = waiting.pop()
        payload = yield _ask(setup, template, span, layout.next_transaction())
        try:
            found.update(_cells(span, data_of(payload)))
            answered.append(span)
        except ModbusRefused as refusal:
            parts = split(span) if refusal.code in SPLITTING else None
            _check_refusal(refusal)
            waiting += reversed(parts or ())
            refused += [] if parts else [span]
    layout.learn(asked, answered, refused)
    return found


def _check_refusal(refusal: ModbusRefused) -> None:
    """Raises NoAnswer for a code that says nothing of registers: the whole reading is tried again."""
    if refusal.code not in (NO_FUNCTION, *SPLITTING):
        raise NoAnswer(str(refusal))


def _cells(span: Span, data: bytes) -> Iterator[tuple[Cell, bytes]]:
    for cell in span.cells:
        place = cell.address - span.first
        if cell.function in (COILS, DISCRETE_INPUTS):
            yield cell, bytes((data[place // 8] >> place % 8 & 1,))
        else:
            yield cell, data[2 * place : 2 * (place + cell.count)]


def _ask(setup: Setup, template: Template, span: Span, transaction: int) -> Ask:
    framing = _framing(setup)
    if framing is RTU and not setup.address:
        raise Refused(NO_UNIT)
    request = Request(setup.address, span.cells[0].function, span.first, span.count, transaction)
    return replace(ask(request, framing), pause_s=template.pause_s)


def _framing(setup: Setup) -> Framing:
    """Protocol=rtu or tcp says it; else a TCP connection bears Modbus/TCP, a serial line RTU."""
    over_tcp = setup.connection == "TCP" and setup.protocol != "rtu"
    return TCP if over_tcp or setup.protocol == "tcp" else RTU


def _template(setup: Setup) -> Template:
    if isinstance(setup.template, Template):
        return setup.template
    if setup.device_type == NAME:
        raise Refused("шаблона нет или в нём ошибка")
    raise NoAnswer("нет ответа")


DRIVER = Driver(
    name="modbus",
    device_types=(NAME,),
    energy_unit="",
    ask_id=ask_id,
    accepts=lambda device_id: device_id == ID,
    open=open_device,
    read=read,
    sought=(),
    write=write,
)
