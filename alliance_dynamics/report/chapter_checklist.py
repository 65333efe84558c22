"""The chapter that says where each item of the reporting guideline for simulation studies (STRESS-SD) is answered.

Monks, Currie, Onggo, Robinson, Kunc and Taylor 2019, Journal of Simulation 13: 55-67.
"""

from __future__ import annotations

from alliance_dynamics.report.blocks import Section, Table, cell, head
from alliance_dynamics.report.voice import Voice


def checklist_section(voice: Voice) -> Section:
    """Items of the guideline, and the chapter, file or command that answers each."""
    items = voice.texts.list("checklist.item")
    places = voice.texts.list("checklist.place")
    body = tuple((head(item), cell(place)) for item, place in zip(items, places, strict=True))
    table = Table("checklist", voice.texts("table.checklist"), "manifest.json",
                  (voice.texts("head.item"), voice.texts("head.place")), body)  # fmt: skip
    return Section("checklist", voice.texts("section.checklist"), (voice.texts("checklist.intro"),), tables=(table,))
