"""Reports in English and Russian, from a results folder alone."""

from alliance_dynamics.report.calibration_page import write_calibration_report
from alliance_dynamics.report.edition import prepare_edition
from alliance_dynamics.report.pdf import write_pdf
from alliance_dynamics.report.write import write_report

__all__ = ["prepare_edition", "write_calibration_report", "write_pdf", "write_report"]
