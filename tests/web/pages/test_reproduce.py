"""Reproduce on the session page: steps, test, download."""

from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT

SESSION = f"/p/{PROJECT}/sessions/{PAY_SESSION}"


def test_the_page_tells_the_way_and_offers_it_as_a_test(mara: Visitor) -> None:
    text = mara.get(SESSION).text
    assert "It fails:" in text
    assert "As a Playwright test" in text
    test = mara.get(f"{SESSION}/reproduce.py")
    assert test.headers["Content-Disposition"] == 'attachment; filename="test_s_pay_1.py"'
    assert "def test_post_api_orders_id_pay_500(page: Page) -> None:" in test.text
    compile(test.text, "test_s_pay_1.py", "exec")


def test_a_session_without_a_failure_has_no_test(mara: Visitor) -> None:
    assert mara.get(f"/p/{PROJECT}/sessions/nowhere/reproduce.py").status_code == 404


def test_the_issue_leads_to_the_way(page: Page, url: str) -> None:
    page.goto(f"{url}/p/{PROJECT}/issues/{PAY_KEY}")
    page.get_by_role("link", name="Reproduce").click()
    expect(page.get_by_role("tab", name="Reproduce")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("It fails:")).to_be_visible()
    expect(page.locator("#pane-report")).to_be_hidden()
