"""Pages in headless Chromium, each drawn from one file without network requests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from typer.testing import CliRunner

from warehouse.cli.main import app

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on this machine"),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1400,800",
    "--hide-scrollbars",
)  # fmt: skip
COLOURS = {"binance": "#E69F00", "bybit": "#56B4E9", "okx": "#009E73"}
BARS = "path[aria-roledescription='bar']"
PHONE, DESKTOP = 390, 1440
ALL_DRAWN = "return [...document.querySelectorAll('figure:not([hidden])')].every(each => each.dataset.drawn)"

WIDTHS = "return [...document.querySelectorAll('.panel .marks')].map(each => each.getBoundingClientRect().width)"

HOURS = """
    return [...document.querySelectorAll("#balance figure:not([hidden]) .panel")].map(panel =>
        [...panel.querySelectorAll(".role-axis-label text")].map(e => e.textContent)
            .filter(text => /:|[a-z]/.test(text)).sort().join());
"""

MIDDLE = """
    const box = document.querySelector(arguments[0]).getBoundingClientRect();
    return [box.x + 0.6 * box.width, box.y + 0.5 * box.height];
"""


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


def opened(browser: webdriver.Chrome, page: Path, *, width: int = DESKTOP, prefers: str = "light") -> webdriver.Chrome:
    """Open a page at a width and wait until all figures are drawn."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wish = {"name": "prefers-color-scheme", "value": prefers}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [wish]})
    browser.get(page.as_uri())
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    WebDriverWait(browser, 30).until(lambda b: b.execute_script(ALL_DRAWN))
    return browser


def made(out: Path, *command: str) -> Path:
    result = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def a_map(small_warehouse: Path, browser: webdriver.Chrome) -> webdriver.Chrome:
    return opened(browser, made(small_warehouse.parent / "map.html", "map", "BTC"))


@pytest.fixture
def report(small_warehouse: Path) -> Path:
    return made(small_warehouse.parent / "report.html", "report", "BTC")


def drawn(browser: webdriver.Chrome, colour: str) -> int:
    """Count the visible bars of a colour."""
    script = "return [...document.querySelectorAll(arguments[0])].filter(bar => bar.getBBox().height > 0).length"
    return int(browser.execute_script(script, f"{BARS}[fill='{colour}']"))


def series(browser: webdriver.Chrome, name: str) -> WebElement:
    """Find the checkbox of a series."""
    named = f"//figure[not(@hidden)]//label[span[text()='{name}']]/input"
    return browser.find_element(By.XPATH, named)


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def requested(browser: webdriver.Chrome) -> list[str]:
    """Return the addresses requested by the page, without those of the browser's own pages."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [params["request"]["url"] for params in asked if params["documentURL"].startswith("file:")]


def paper(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


def test_map_is_drawn_without_errors_or_network(a_map: webdriver.Chrome) -> None:
    assert a_map.title == "BTC liquidation map by exchange, modelled, 2026-01-12 00:00 UTC"
    assert all(drawn(a_map, colour) > 50 for colour in COLOURS.values())
    assert complaints(a_map) == []
    addresses = requested(a_map)
    assert any(address.startswith("file:") for address in addresses)
    assert [address for address in addresses if not address.startswith(("file:", "data:", "blob:"))] == []


def test_legend_click_hides_and_shows_an_exchange(a_map: webdriver.Chrome) -> None:
    before = drawn(a_map, COLOURS["binance"]), drawn(a_map, COLOURS["bybit"])
    series(a_map, "binance").click()
    WebDriverWait(a_map, 10).until(lambda b: drawn(b, COLOURS["binance"]) == 0)
    assert drawn(a_map, COLOURS["bybit"]) == before[1]
    assert not series(a_map, "binance").is_selected()
    series(a_map, "binance").click()
    WebDriverWait(a_map, 10).until(lambda b: drawn(b, COLOURS["binance"]) == before[0])


def test_hidden_series_stays_hidden_in_the_other_theme(a_map: webdriver.Chrome) -> None:
    series(a_map, "okx").click()
    WebDriverWait(a_map, 10).until(lambda b: drawn(b, COLOURS["okx"]) == 0)
    a_map.find_element(By.ID, "theme").click()
    figure = a_map.find_element(By.CSS_SELECTOR, "figure")
    WebDriverWait(a_map, 20).until(lambda _: figure.get_attribute("data-drawn") == "dark")
    WebDriverWait(a_map, 10).until(lambda b: drawn(b, COLOURS["bybit"]) > 50)
    assert (drawn(a_map, COLOURS["okx"]), series(a_map, "okx").is_selected()) == (0, False)


def test_wheel_zooms_only_with_control_and_double_click_resets(a_map: webdriver.Chrome) -> None:
    mark = a_map.find_element(By.CSS_SELECTOR, "svg.marks")
    before = labels(a_map)
    for modifiers, zooms in ((0, False), (2, True)):
        x, y = a_map.execute_script(MIDDLE, "svg.marks")
        wheel = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -300, "modifiers": modifiers}
        a_map.execute_cdp_cmd("Input.dispatchMouseEvent", wheel)
        a_map.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 300))")
        assert (labels(a_map) != before) == zooms
    a_map.execute_script("scrollTo(0, 0)")
    ActionChains(a_map).move_to_element(mark).double_click().perform()
    WebDriverWait(a_map, 10).until(lambda b: labels(b) == before)
    assert complaints(a_map) == []


def test_panels_of_a_figure_zoom_together(browser: webdriver.Chrome, report: Path) -> None:
    page = opened(browser, report)
    page.execute_script("document.getElementById('balance').scrollIntoView()")
    shown = page.find_elements(By.CSS_SELECTOR, "#balance figure:not([hidden]) .legend input")
    assert [each.is_selected() for each in shown] == [True, True]
    x, y = page.execute_script(MIDDLE, "#balance figure:not([hidden]) .marks")
    wheel = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -500, "modifiers": 2}
    before = page.execute_script(HOURS)
    page.execute_cdp_cmd("Input.dispatchMouseEvent", wheel)
    WebDriverWait(page, 10).until(lambda b: not set(b.execute_script(HOURS)) & set(before))
    first, second = page.execute_script(HOURS)
    assert first == second
    assert complaints(page) == []


def labels(browser: webdriver.Chrome) -> list[str]:
    """Return the labels of the price axis."""
    script = "return [...document.querySelectorAll('.role-axis-label text')].map(each => each.textContent)"
    return sorted(text for text in browser.execute_script(script) if "," in text)


def test_tooltip_lists_each_exchange(a_map: webdriver.Chrome) -> None:
    mark = a_map.find_element(By.CSS_SELECTOR, "svg.marks")
    ActionChains(a_map).move_to_element_with_offset(mark, -250, 100).perform()
    tip = WebDriverWait(a_map, 10).until(lambda b: b.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
    assert all(word in tip.text for word in ("binance", "bybit", "okx", "total", "from the mark"))


def test_tap_shows_the_tooltip(browser: webdriver.Chrome, report: Path) -> None:
    page = opened(browser, report, width=PHONE)
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.execute_script("document.getElementById('balance').scrollIntoView()")
    x, y = page.execute_script(MIDDLE, "#balance figure:not([hidden]) .marks")
    page.execute_cdp_cmd("Input.synthesizeTapGesture", {"x": x, "y": y})
    tip = WebDriverWait(page, 10).until(lambda b: b.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert all(word in tip.text for word in ("2026-01-1", "longs", "shorts", "imbalance"))
    assert "undefined" not in tip.text


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("prefers", ["light", "dark"])
def test_report_fits_the_width_and_draws_every_figure(
    browser: webdriver.Chrome, report: Path, width: int, prefers: str
) -> None:
    page = opened(browser, report, width=width, prefers=prefers)
    sizes = page.execute_script("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert sizes == [width, width]
    wide = (
        "return [...document.querySelectorAll('.panel svg, .panel canvas')].map(e => e.getBoundingClientRect().width)"
    )
    widths = page.execute_script(wide)
    assert len(widths) >= 5
    assert all(width * 0.6 < each <= width for each in widths)
    assert paper(page) == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[prefers]
    assert complaints(page) == []
    assert [a for a in requested(page) if not a.startswith(("file:", "data:", "blob:"))] == []


def test_button_switches_the_theme(browser: webdriver.Chrome, report: Path) -> None:
    page = opened(browser, report)
    figure = page.find_element(By.CSS_SELECTOR, "#map figure")
    for theme, colour in (("dark", "rgb(20, 24, 29)"), ("light", "rgb(255, 255, 255)")):
        page.find_element(By.ID, "theme").click()
        assert paper(page) == colour
        WebDriverWait(page, 20).until(lambda _, theme=theme: figure.get_attribute("data-drawn") == theme)
    assert complaints(page) == []


def test_opened_tab_draws_its_figure(browser: webdriver.Chrome, report: Path) -> None:
    page = opened(browser, report)
    page.find_element(By.CSS_SELECTOR, "#heatmap [role=tab]").click()
    figure = page.find_element(By.ID, "heatmap-0")
    WebDriverWait(page, 20).until(lambda _: figure.get_attribute("data-drawn") == "light")
    assert figure.is_displayed()
    assert figure.find_element(By.TAG_NAME, "canvas").size["height"] > 200
    assert not page.find_element(By.ID, "heatmap-1").is_displayed()


def test_buttons_are_large_and_figures_have_labels(browser: webdriver.Chrome, report: Path) -> None:
    page = opened(browser, report, width=PHONE)
    buttons = [each for each in page.find_elements(By.CSS_SELECTOR, "button, .legend label") if each.is_displayed()]
    assert len(buttons) > 8
    assert all(each.size["height"] >= 44 and each.size["width"] >= 44 for each in buttons)
    panels = page.find_elements(By.CSS_SELECTOR, ".panels")
    assert all("odelled" in str(panel.get_attribute("aria-label")) for panel in panels)
    headings = [h.text for h in page.find_elements(By.CSS_SELECTOR, "h1, h2")]
    assert headings[0] == "BTC liquidation report, modelled, 2026-01-12 00:00 UTC"
