"""What many tags may have in common when they fall silent at once: what crosses between lanes, the store and the rule."""

from typing import Final, NamedTuple

GROUPS: Final = ("gateway", "network", "model")  # the narrower first


class Group(NamedTuple):
    """A gateway (by its number, as text), a network or a model of tags."""

    kind: str
    name: str


class Hardware(NamedTuple):
    """What is known of a tag as a thing; empty where nobody said."""

    tag: int
    model: str
    network: str
