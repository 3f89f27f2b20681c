"""Measuring a lab, and the report: its page, its pictures, the facts of the machine."""
