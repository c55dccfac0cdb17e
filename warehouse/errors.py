"""Errors that a user can act on: one line that names the problem and the remedy.

The CLI prints them without a traceback.
"""

from __future__ import annotations


class UserError(Exception):
    """An error in the request, the settings or the warehouse; the message names the remedy."""


class Busy(UserError):
    """Another run holds the warehouse."""


class ChecksFailed(UserError):
    """A check failed on an all-or-nothing publication, so nothing was published."""
