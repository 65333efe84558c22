"""Reports in English and Russian, from a results folder alone."""

from alliance_dynamics.report.calibration_page import write_calibration_report
from alliance_dynamics.report.write import write_report

__all__ = ["write_calibration_report", "write_report"]
