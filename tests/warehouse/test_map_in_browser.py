"""The map as a page: drawn in headless Chromium, from its one file, with nothing fetched from anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from typer.testing import CliRunner

from warehouse.cli import app

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on this machine"),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1400,800",
)  # fmt: skip
COLOURS = {"binance": "#E69F00", "bybit": "#56B4E9", "okx": "#009E73"}
BARS = "path[aria-roledescription='bar']"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def page(small_warehouse: Path, browser: webdriver.Chrome) -> webdriver.Chrome:
    out = small_warehouse.parent / "map.html"
    result = CliRunner().invoke(app, ["map", "BTC", "--out", str(out)])
    assert result.exit_code == 0, result.output
    browser.get(out.as_uri())
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, BARS))
    return browser


def drawn(browser: webdriver.Chrome, colour: str) -> int:
    """Bars of this colour, of any height."""
    script = "return [...document.querySelectorAll(arguments[0])].filter(bar => bar.getBBox().height > 0).length"
    return int(browser.execute_script(script, f"{BARS}[fill='{colour}']"))


def click_legend(browser: webdriver.Chrome, exchange: str) -> None:
    labels = browser.find_elements(By.CSS_SELECTOR, ".role-legend-label text")
    ActionChains(browser).click(next(label for label in labels if label.text == exchange)).perform()


def requested(browser: webdriver.Chrome) -> list[str]:
    """Addresses that the page asked for; the browser's own pages ask for others."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [params["request"]["url"] for params in asked if params["documentURL"].startswith("file:")]


def test_it_is_drawn_without_an_error_and_without_the_network(page: webdriver.Chrome) -> None:
    assert page.title == "BTC liquidation map, 2026-01-12 00:00 UTC"
    assert all(drawn(page, colour) > 50 for colour in COLOURS.values())
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    addresses = requested(page)
    assert any(address.startswith("file:") for address in addresses)
    assert [address for address in addresses if not address.startswith(("file:", "data:", "blob:"))] == []


def test_a_click_in_the_legend_takes_an_exchange_out_and_puts_it_back(page: webdriver.Chrome) -> None:
    before = drawn(page, COLOURS["binance"]), drawn(page, COLOURS["bybit"])
    click_legend(page, "binance")
    WebDriverWait(page, 10).until(lambda b: drawn(b, COLOURS["binance"]) == 0)
    assert drawn(page, COLOURS["bybit"]) == before[1]
    click_legend(page, "binance")
    WebDriverWait(page, 10).until(lambda b: drawn(b, COLOURS["binance"]) == before[0])


def test_the_tooltip_tells_each_exchange(page: webdriver.Chrome) -> None:
    ActionChains(page).move_to_element_with_offset(page.find_element(By.CSS_SELECTOR, "svg.marks"), -250, 100).perform()
    tip = WebDriverWait(page, 10).until(lambda b: b.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
    assert all(word in tip.text for word in ("binance", "bybit", "okx", "total", "from the mark"))
