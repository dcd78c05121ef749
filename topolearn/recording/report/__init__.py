"""The report of a run: one HTML file that a person can read without anything else."""

from topolearn.recording.report.page import write_report

__all__ = ["write_report"]
