"""What was set for everyone, an order type, an order or a zone becomes the rules that a tag is judged by at an instant."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from alerts.rules import Rules, ruled, unruled
from model.setting import NAMES, Setting, Value, strictest

# A setting holds from its version's beginning to its end; of one place no two versions hold at once.
_Line = Sequence[Setting]


class Numbers:
    """Every version of every setting. Immutable; falsy where nothing was ever set, so that nobody pays for it.

    The nearest place says: the zone, else the order, else the order's type, else what holds for everyone, else the default. Of
    several orders in force at once each number is the strictest.
    """

    def __init__(self, settings: Iterable[Setting] = ()) -> None:
        self.settings = tuple(sorted(settings, key=lambda one: (one.scope, one.order_type, one.subject, one.in_force_from_us)))
        self._everyone: list[Setting] = []
        self._of_order: dict[int, list[Setting]] = {}
        self._of_zone: dict[int, list[Setting]] = {}
        of_type: dict[str, list[Setting]] = {}
        for one in self.settings:
            if one.scope == "all":
                self._everyone.append(one)
            elif one.scope == "type":
                of_type.setdefault(one.order_type, []).append(one)
            else:
                (self._of_order if one.scope == "order" else self._of_zone).setdefault(one.subject, []).append(one)
        self._of_type = {order: line for line in of_type.values() for order in line[-1].orders}
        # By the versions that make them, which live as long as this does: a look-up by their contents costs ten times as much.
        self._made: dict[tuple[int, ...], tuple[Rules, Rules]] = {}
        self._keen: dict[tuple[int, ...], Rules] = {}

    def __bool__(self) -> bool:
        return bool(self.settings)

    def at(self, rules: Rules, orders: Sequence[int], zone: int, at_us: int) -> Rules:
        """The rules at an instant, of who is monitored by some orders (in the order of their ids), and of a zone where not 0."""
        everyone, of_zone = _held(self._everyone, at_us), _held(self._of_zone.get(zone, ()), at_us)
        own = [(_held(self._of_type.get(one, ()), at_us), _held(self._of_order.get(one, ()), at_us)) for one in orders]
        key = (id(everyone), id(of_zone), *(id(one) for pair in own for one in pair))
        base, found = self._made.get(key, (None, rules))
        if base is not rules:
            found = _merged(rules, everyone, own, of_zone)
            self._made[key] = rules, found
        return found

    def touches(self, order: int) -> bool:
        """Whether anything was ever set for an order or its type."""
        return order in self._of_order or order in self._of_type

    def keenest(self, rules: Rules, orders: Iterable[int] = ()) -> Rules:
        """Rules whose every number is the strictest that may ever hold for some orders, zones apart; a bound, not a judgement."""
        of_orders = ((self._of_type.get(one), self._of_order.get(one)) for one in sorted(orders))
        lines = [self._everyone, *(line for pair in of_orders for line in pair if line is not None)]
        key = tuple(map(id, lines))
        found = self._keen.get(key)
        if found is None:
            default = unruled(rules)
            values: dict[str, Value] = {}
            for name, value in (pair for line in lines for one in line for pair in one.values):
                if name in default:
                    values[name] = strictest(NAMES[name], (values.get(name, default[name]), value))
            found = self._keen[key] = ruled(rules, values)
        return found


def _held(line: _Line, at_us: int) -> Setting | None:
    place = bisect_right(line, at_us, key=lambda one: one.in_force_from_us) - 1
    return line[place] if place >= 0 and at_us < line[place].in_force_to_us else None


def _merged(
    rules: Rules, everyone: Setting | None, own: Sequence[tuple[Setting | None, Setting | None]], of_zone: Setting | None
) -> Rules:
    common = {} if everyone is None else dict(everyone.values)
    each = [
        common | {} if not any(pair) else common | {key: value for one in pair if one is not None for key, value in one.values}
        for pair in own
    ] or [common]
    values = dict(each[0])
    if len(each) > 1:
        default = unruled(rules)
        names = {key for one in each for key in one if key in default}
        values = {key: strictest(NAMES[key], (one.get(key, default[key]) for one in each)) for key in names}
    return ruled(rules, values | (dict(of_zone.values) if of_zone is not None else {}))
