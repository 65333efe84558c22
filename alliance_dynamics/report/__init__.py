"""Reports in English and Russian, from a results folder alone."""

from alliance_dynamics.report.write import write_report

__all__ = ["write_report"]
