"""The pages of the examples in headless Chromium: what people see, and that everybody can use it."""

import contextlib

from browser import Browser, Tab, find
from harness import Server, expect

# What a person needs who does not see the page, or uses no mouse: as far as a script can tell.
BASICS = """
[document.documentElement.lang ? "" : "no language",
 document.title ? "" : "no title",
 document.querySelector("main h1") ? "" : "no heading in a main part",
 document.querySelector("[role=status]") ? "" : "no status that is read out",
 ...[...document.querySelectorAll("input")].map((field) => field.labels.length ? "" : "no label"),
 ...[...document.querySelectorAll("button")].map((button) =>
   (button.ariaLabel || button.textContent).trim() ? "" : "a button without a name"),
 document.documentElement.scrollWidth <= innerWidth ? "" : "it overflows",
 performance.getEntriesByType("resource").every((entry) => entry.name.startsWith(location.origin))
   ? "" : "something from elsewhere"].filter(Boolean).join(", ")
"""


def run(report, folder):
    report.group = "pages"
    program = find(report)
    if not program:
        return
    browser = Browser(program)
    try:
        for name, check in (("jobs", jobs), ("rooms", rooms), ("ticker", ticker)):
            with Server([f"{folder}/{name}", "0"], f"{name}-page") as server:
                check(report, browser, f"http://{server.host}:{server.port}/")
    finally:
        with contextlib.suppress(Exception):
            browser.close()


def basics(report, name, *tabs):
    with report.check(f"{name}: usable without eyes or mouse, nothing from elsewhere"):
        for tab in tabs:
            expect(tab.evaluate(BASICS) == "", tab.evaluate(BASICS))


def jobs(report, browser, url):
    one, two = Tab(browser, url), Tab(browser, url, dark=True, width=380, height=640)
    with report.check("jobs: a click in one page is seen in the other"):
        for tab in (one, two):
            tab.wait("document.querySelectorAll('li').length === 3", "no jobs")
        one.evaluate("document.querySelector('#job-2 button').click()")
        two.wait("document.querySelector('#job-2 output').textContent === 'running'", "not seen")
    basics(report, "jobs", one, two)
    one.screenshot("jobs-light")
    two.screenshot("jobs-dark")


def enter(tab, name):
    tab.evaluate(f"document.querySelector('#name').value = '{name}'")
    tab.evaluate("document.querySelector('#enter').requestSubmit()")


def rooms(report, browser, url):
    one, two = Tab(browser, url), Tab(browser, url, dark=True, width=380, height=720)
    people = "[...document.querySelectorAll('#people li')].map((item) => item.textContent).join()"
    with report.check("rooms: both see who is there, and what one says"):
        enter(one, "Ann")
        one.wait(f"{people} === 'Ann'", "Ann is not there")
        enter(two, "Bob")
        for tab in (one, two):
            tab.wait(f"{people} === 'Ann,Bob'", "not both")
        one.say("Hello <b>Bob</b>")
        two.wait("document.querySelector('#log').textContent.includes('Hello <b>Bob</b>')",
                 "not said")
        two.say("Hello Ann, how is the view from up there?")
        one.wait("document.querySelector('#log').textContent.includes('the view')", "not said")
    basics(report, "rooms", one, two)
    one.screenshot("rooms-light")
    two.screenshot("rooms-dark")


def ticker(report, browser, url):
    one, two = Tab(browser, url), Tab(browser, url, dark=True, width=380, height=640)
    with report.check("ticker: prices come, and change"):
        for tab in (one, two):
            tab.wait("document.querySelectorAll('tbody tr').length === 6", "no prices")
        first = one.text("tbody")
        one.wait(f"document.querySelector('tbody').innerText !== {first!r}", "they stand still")
    basics(report, "ticker", one, two)
    one.screenshot("ticker-light")
    two.screenshot("ticker-dark")
