"""The pictures of the documentation, from a running demo: `python -m tests.docs.screenshots [PORT]`."""

import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which

from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
PASSWORD = "only-for-the-demo"
WINDOW = {"width": 1100, "height": 900}


def logged_in(browser: Browser, address: str, email: str) -> Page:
    """A window on the admin site of this address."""
    page = browser.new_context(viewport=WINDOW, device_scale_factor=1).new_page()
    page.goto(f"{address}/admin/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page


def report(browser: Browser, port: str) -> Page:
    """Staff looks at the report over all namespaces."""
    page = logged_in(browser, f"http://localhost:{port}", "staff@demo.example")
    page.goto(f"http://localhost:{port}/reports/research.body_mass/?group_by=species&group_by=namespace")
    return page


def history(browser: Browser, port: str) -> Page:
    """Tara looks at the versions of the row she mistyped."""
    page = logged_in(browser, f"http://torgersen.localhost:{port}", "tara@demo.example")
    page.goto(f"http://torgersen.localhost:{port}/admin/research/observation/?q=N1A1")
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("link", name="History", exact=True).click()
    return page


PICTURES: dict[str, Callable[[Browser, str], Page]] = {"report.png": report, "history.png": history}
CLIPS: dict[str, FloatRect] = {"history.png": {"x": 0, "y": 0, "width": 1100, "height": 530}}


def main(port: str) -> None:
    """Take every picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=which("chromium") or which("google-chrome"), args=["--no-sandbox"]
        )
        for name, open_page in PICTURES.items():
            page = open_page(browser, port)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=IMAGES / name, clip=CLIPS.get(name))
            print(IMAGES / name, page.url)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:] or ["8000"])
