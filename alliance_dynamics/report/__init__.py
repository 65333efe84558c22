"""Reports in English and Russian, from a results folder alone."""

from alliance_dynamics.report.edition import TEMPLATES
from alliance_dynamics.report.write import KINDS, write_calibration_report, write_report, write_reports

__all__ = ["KINDS", "TEMPLATES", "write_calibration_report", "write_report", "write_reports"]
