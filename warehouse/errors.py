"""Errors that a person can act on: one line that names the thing and the way out.

The CLI prints them without a trace.
"""

from __future__ import annotations


class UserError(Exception):
    """Something about the request, the settings or the warehouse is wrong, and the message says what would be right."""


class Busy(UserError):
    """Another run holds the warehouse."""


class ChecksFailed(UserError):
    """Something was to be published whole or not at all, and a check of it failed."""
