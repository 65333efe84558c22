"""The chapter that says where each item of two reporting guidelines is answered, with what the run itself says of it.

STRESS-SD: Monks, Currie, Onggo, Robinson, Kunc and Taylor 2019, Journal of Simulation 13: 55-67.
Minimum and preferred requirements: Rahmandad and Sterman 2012, System Dynamics Review 28: 396-411.
"""

from __future__ import annotations

from typing import Any

from alliance_dynamics.report.blocks import Section, Table, cell, head
from alliance_dynamics.report.voice import Voice

GUIDELINES = ("checklist", "requirements")


def checklist_section(voice: Voice) -> Section:
    """Items of the guidelines, and the chapter, file or command that answers each."""
    facts = _facts(voice)
    tables = tuple(_table(voice, name, facts) for name in GUIDELINES)
    return Section("checklist", voice.texts("section.checklist"), (voice.texts("checklist.intro"),), tables=tables)


def _table(voice: Voice, name: str, facts: dict[str, str]) -> Table:
    items = voice.texts.list(f"{name}.item")
    places = [each.format(**facts) for each in voice.texts.list(f"{name}.place")]
    body = tuple((head(item), cell(place)) for item, place in zip(items, places, strict=True))
    return Table(name, voice.texts(f"{name}.table"), "manifest.json",
                 (voice.texts("head.item"), voice.texts("head.place")), body)  # fmt: skip


def _facts(voice: Voice) -> dict[str, str]:
    """What the manifest, the summaries and the tables say of the run; a dash where one does not say."""
    results, manifest = voice.results, voice.results.manifest
    calibration, sensitivity = results.calibration, results.sensitivity
    places: dict[str, tuple[dict[str, Any], str]] = {
        "dt": (manifest, "dt"), "seed": (manifest, "seed"), "backend": (manifest, "backend"),
        "draws": (manifest.get("draws") or {}, "n"), "failed": (manifest, "failed_draws"),
        "version": (manifest.get("package") or {}, "version"),
        "policy": (manifest.get("settings") or {}, "policy_year"),
        **{key: (manifest.get("model") or {}, key) for key in ("states", "operations")},
        **{key: (manifest.get("environment") or {}, key) for key in ("python", "platform")},
        "figures": (calibration, "points"), "estimated": (calibration, "parameters"),
        **{key: (calibration, key) for key in ("chains", "generations")},
        **{key: (sensitivity, key) for key in ("points", "replicates", "runs")},
        "sweep": (sensitivity, "dt"),
    }  # fmt: skip
    facts = {name: _shown(voice, name, found.get(key)) for name, (found, key) in places.items()}
    starts = results.rows("calibration/starts.csv")
    years = [row["year"] for row in results.rows("comparison/trajectories.csv")]
    facts["starts"] = voice.numbers.number(len(starts), 0) if starts else "—"
    facts |= {"first": str(min(years, default="—")), "last": str(max(years, default="—"))}
    packages = (manifest.get("environment") or {}).get("packages") or {}
    facts["packages"] = ", ".join(f"{name} {version}" for name, version in packages.items()) or "—"
    return facts


def _shown(voice: Voice, name: str, value: Any) -> str:
    if value is None:
        return "—"
    if name in ("seed", "policy") or isinstance(value, str):
        return str(value)
    decimals = 0 if value == int(value) else len(f"{value:g}".partition(".")[2])
    return voice.numbers.number(value, decimals)
