"""How often, and after how long, a task that crashed is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

# 20 s, 40 s, 80 s: over before the next hour is due. What an exchange answers (limits, bans, errors) is waited for and
# recorded inside the task; these are for a machine that was short of memory, disk or patience.
RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(minutes=30),
}
