"""The reference of a model: every variable with equation, unit, value, source and links, as a page of its own."""

from alliance_dynamics.reference.cards import Card, cards_of, numbers_without_source
from alliance_dynamics.reference.page import write_reference

__all__ = ["Card", "cards_of", "numbers_without_source", "write_reference"]
