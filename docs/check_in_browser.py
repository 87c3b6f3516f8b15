"""Open the built site in a headless browser and print what is wrong: ``make check-site``.

Each page is shown on a phone and on a desk, light and dark. Reported are errors of scripts,
requests that fail or leave the site, broken pictures, pages wider than the window, text and
pictures without contrast, links to an anchor that is not there, and searches that do not find
their page. The exit status is 1 if anything is reported. ``--all`` opens every page, on a phone in
the light and on a desk in the dark.
"""

import argparse
import functools
import shutil
import sys
import threading
from collections import defaultdict
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    sync_playwright,
)

SITE = Path(__file__).resolve().parent / "_build" / "html"
GENERATED = "docs/reference/generated/"
PAGES = [
    "docs/index.html",
    "docs/start/index.html",
    "docs/how-to/index.html",
    "docs/how-to/clusters.html",
    "docs/explanations/index.html",
    "docs/explanations/forecaster.html",
    "docs/explanations/networks-that-remember.html",
    "docs/reference/api.html",
    "docs/reference/api/anomalies.html",
    "docs/reference/parameters.html",
    "docs/reference/command-line.html",
    GENERATED + "tsrnn.RNNForecaster.html",
    GENERATED + "tsrnn.plotting.ForecastDisplay.html",
    GENERATED + "tsrnn.backtest.html",
    "docs/gallery.html",
    "docs/notebooks.html",
    "docs/comparison.html",
    "docs/benchmarks/speed.html",
    "docs/benchmarks/accuracy.html",
    "notebooks/01-quickstart.html",
    "notebooks/05-anomalies.html",
    "notebooks/11-clusters.html",
    "benchmarks/README.html",
    "CHANGELOG.html",
    "genindex.html",
    "search.html",
]
SEARCHES = {
    "RNNForecaster": GENERATED + "tsrnn.RNNForecaster.html",
    "segment": "docs/reference/parameters.html",
}
WINDOWS = [(390, 844), (1440, 1000)]  # a phone's and a desk's, in pixels
SCHEMES = ["light", "dark"]
LOOKS = [(window, scheme) for window in WINDOWS for scheme in SCHEMES]
TALLEST = 3000  # of a screenshot, in pixels
PATIENCE = 120_000  # milliseconds that a page may take to load

LOOK = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Anchors of a page and the links to the same site that leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element's names and where it leads."""
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


def dead_links(site: Path) -> list[str]:
    """Links between pages of ``site`` whose file or anchor is not there."""
    read = {}
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.parts:
            read[path.relative_to(site).as_posix()] = reader = Reader()
            reader.feed(path.read_text(encoding="utf-8"))
    problems = []
    for name, reader in read.items():
        for link in reader.links:
            target, anchor = urldefrag(urljoin(f"http://site/{name}", link))
            if not target.startswith("http://site/"):
                continue
            file = unquote(target.removeprefix("http://site/")).partition("?")[0]
            if not (site / file).is_file():
                problems.append(f"{name}: leads to {link}, which is not there")
            elif anchor and file in read and unquote(anchor) not in read[file].anchors:
                problems.append(f"{name}: leads to {link}, an anchor that is not there")
    return problems


class Visit:
    """One page of a browser that opens pages of the site and keeps what is wrong, in order."""

    def __init__(self, browser: Browser, address: str, screenshots: Path | None) -> None:
        self.address, self.screenshots = address, screenshots
        self.problems: dict[str, list[str]] = defaultdict(list)  # messages by page, then where
        self.name = ""
        self.page: Page = browser.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.add(f"script: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._response)
        self.page.route(lambda url: not url.startswith((address, "data:", "blob:")), self._refuse)

    def add(self, message: str, where: str = "") -> None:
        """Keep a message on the page that is open."""
        self.problems[f"{self.name}: {message}"].append(where)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.add(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page was left before it was whole
            self.add(f"failed: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.add(f"status {response.status}: {response.url}")

    def _refuse(self, route: Route) -> None:
        self.add(f"asks for {route.request.url}, which is not of the site")
        route.fulfill(status=204)

    def open(self, name: str, looks: list) -> None:
        """Open a page and look at it in windows and colour schemes."""
        self.name = name
        self.page.goto(self.address + name)
        for (width, height), scheme in looks:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.wait_for_selector(f"html[data-theme={scheme}]")
            for message in self.page.evaluate(LOOK):
                self.add(message, f"{width} {scheme}")
            if self.screenshots:
                self.screenshot(f"{width}-{scheme}")

    def screenshot(self, suffix: str) -> None:
        """Save the page from its top."""
        width, height = self.page.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
        )
        name = self.name.replace("/", "-").removesuffix(".html")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
        self.page.screenshot(
            path=self.screenshots / f"{name}-{suffix}.png", full_page=True, clip=clip
        )

    def search(self, words: str, wanted: str) -> None:
        """Search for words and look for a page among what is found."""
        self.name = f"search.html?q={words}"
        self.page.goto(self.address + self.name)
        self.page.wait_for_selector("#search-results h2:has-text('Search Results')")  # all of them
        results = self.page.locator("#search-results li > a")
        links = results.evaluate_all("all => all.map(each => each.href)")
        if not any(wanted in link for link in links):
            self.add(f"does not find {wanted} but {len(links)} other pages")


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder, without a log."""

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def main() -> int:
    """Check the site and print its problems."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--site", type=Path, default=SITE, help="folder of the built site")
    parser.add_argument("--screenshots", type=Path, help="folder to save screenshots to")
    parser.add_argument("--all", action="store_true", help="open every page")
    parser.add_argument("pages", nargs="*", help="pages to open in place of the usual ones")
    args = parser.parse_args()
    if not (args.site / "index.html").exists():
        parser.error(f"no site in {args.site}: build it first, with make docs")
    if args.screenshots:
        args.screenshots.mkdir(parents=True, exist_ok=True)
    pages, looks = args.pages or PAGES, LOOKS
    if args.all:  # each window once, and each scheme
        looks = list(zip(WINDOWS, SCHEMES, strict=True))
        found = (path.relative_to(args.site) for path in args.site.rglob("*.html"))
        pages = sorted(path.as_posix() for path in found if "_static" not in path.parts)
        pages.remove("index.html")  # leads on to docs/index.html at once

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(args.site))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")  # or Playwright's
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        visit = Visit(browser, f"http://127.0.0.1:{server.server_port}/", args.screenshots)
        for page in pages:
            visit.open(page, looks)
        for words, wanted in SEARCHES.items():
            visit.search(words, wanted)
        browser.close()
    server.shutdown()

    dead = dead_links(args.site)
    for message, places in visit.problems.items():
        print(message, f"({', '.join(places)})" if any(places) else "")
    print(*dead, sep="\n", end="\n" if dead else "")
    n_problems = len(visit.problems) + len(dead)
    print(f"{len(pages)} pages, {n_problems or 'no'} problems")
    return min(n_problems, 1)


if __name__ == "__main__":
    sys.exit(main())
