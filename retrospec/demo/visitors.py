"""The visitors: what each does in the shop.

The scripts that meet a fault do with it what people do: try again, look around, give up. The healthy
ones do the same things where nothing is broken, stepper and retyping included, and must leave no
issue behind.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from retrospec.demo.hand import Hand


class Visitor(msgspec.Struct, frozen=True):
    """One person: ``fault`` names the planted fault this person meets; empty for the healthy."""

    name: str
    fault: str
    script: Callable[[Hand], Awaitable[None]]
    width: int = 1280
    height: int = 800
    locale: str = "en-GB"
    on_phone: bool = False


async def _put_in_basket(hand: Hand, tea: str, path: str = "/") -> None:
    await hand.arrive(path)
    await hand.read_down()
    await hand.follow(tea)
    await hand.press("Add to basket")


async def _go_to_checkout(hand: Hand) -> None:
    await hand.follow("Basket")
    await hand.press("Go to checkout", 0)
    await hand.reach("/checkout")


async def _fill_in(hand: Hand, name: str, country: str, postcode: str) -> None:
    await hand.write("Full name", name)
    await hand.write("Email", f"{name.split()[-1].lower()}@mail.example")
    await hand.page.get_by_label("Country").select_option(country)
    await hand.pause(200)
    await hand.write("Postcode", postcode)


async def meet_dead_button(hand: Hand, tea: str) -> None:
    """Ask for a sample: click, wait, then hammer on it and leave."""
    await hand.arrive("/")
    await hand.follow(tea)
    await hand.read_down()
    await hand.press("Send me a sample", 1_500)
    for _ in range(4):
        await hand.press("Send me a sample", 90)
    await hand.pause(2_500)
    await hand.follow("How we pick")
    await hand.pause(500)


async def meet_pay_500(hand: Hand, tea: str, postcode: str) -> None:
    """Pay by wallet, read the apology, try once more, give up."""
    await _put_in_basket(hand, tea)
    await _go_to_checkout(hand)
    await _fill_in(hand, "Robin Vale", "DE", postcode)
    await hand.page.get_by_label("Pocket wallet").check()
    await hand.press("Pay now", 1_800)
    await hand.press("Pay now", 1_800)


async def meet_refused_postcode(hand: Hand, tea: str, postcode: str) -> None:
    """Type a British postcode, be refused, type it again without the space, be refused again."""
    await _put_in_basket(hand, tea)
    await _go_to_checkout(hand)
    await _fill_in(hand, "Ada Marsh", "GB", postcode)
    await hand.press("Pay now", 1_600)
    await hand.write("Postcode", postcode.replace(" ", ""))
    await hand.press("Pay now", 1_800)


async def meet_coupon_crash(hand: Hand, tea: str) -> None:
    """Come from a leaflet with a coupon, and never get past the basket."""
    await _put_in_basket(hand, tea, "/?coupon=SPRING")
    await hand.follow("Basket")
    await hand.press("Go to checkout", 1_800)
    await hand.press("Go to checkout", 1_800)


async def buy_by_card(hand: Hand, tea: str, name: str, country: str, postcode: str) -> None:
    """Everything works: quick clicks on the stepper, a corrected typo, paid."""
    await hand.arrive("/")
    await hand.press("Green")
    await hand.press("All")
    await hand.follow(tea)
    for _ in range(4):
        await hand.press("One tin more", 60)
    await hand.press("One tin fewer")
    await hand.press("Add to basket")
    await _go_to_checkout(hand)
    await _fill_in(hand, name, country, "7501")
    await hand.write("Postcode", postcode)
    await hand.press("Pay now", 0)
    await hand.reach("/thanks")


async def buy_with_known_coupon(hand: Hand, tea: str) -> None:
    """A coupon that the shop knows takes the same path without a crash."""
    await _put_in_basket(hand, tea, "/?coupon=FRIENDS")
    await _go_to_checkout(hand)
    await _fill_in(hand, "Noor Falk", "DE", "20095")
    await hand.press("Pay now", 0)
    await hand.reach("/thanks")


async def look_around(hand: Hand) -> None:
    """Read, open the questions, change one's mind about a tin."""
    await hand.arrive("/about")
    for question in ("Who grows it?", "How fresh is it?"):
        await hand.click(hand.page.get_by_text(question))
    await hand.follow("See the six")
    await hand.follow("Chamomile")
    await hand.press("Add to basket")
    await hand.follow("Basket")
    await hand.press("Remove Chamomile", 700)


FAULTY_VISITS: tuple[Visitor, ...] = (
    Visitor("Ines asks for a sample", "dead-button", partial(meet_dead_button, tea="Gyokuro")),
    Visitor("Robin pays by wallet", "pay-500", partial(meet_pay_500, tea="Assam", postcode="10115")),
    Visitor("Ada lives in London", "refused-postcode", partial(meet_refused_postcode, tea="Sencha", postcode="SW1A 2AA")),
    Visitor("Jo brings a leaflet", "coupon-crash", partial(meet_coupon_crash, tea="Chamomile")),
    Visitor("Malik asks for a sample", "dead-button", partial(meet_dead_button, tea="Assam"), width=1440, height=900),
    Visitor("Zoé pays by wallet", "pay-500", partial(meet_pay_500, tea="Sencha", postcode="75011"), on_phone=True),
    Visitor("Rhys lives in Cardiff", "refused-postcode", partial(meet_refused_postcode, tea="Assam", postcode="CF10 1EP"), on_phone=True),
    Visitor("Elif brings a leaflet", "coupon-crash", partial(meet_coupon_crash, tea="Sencha"), width=1100, height=760),
)  # fmt: skip
"""Each planted fault met by two people."""

HEALTHY_VISITS: tuple[Visitor, ...] = (
    Visitor("Tomás buys four tins", "", partial(buy_by_card, tea="Sencha", name="Tomás Reiter", country="DE", postcode="80331")),
    Visitor("Noor has a coupon that works", "", partial(buy_with_known_coupon, tea="Lemon Verbena")),
    Visitor("Bea looks around", "", look_around, on_phone=True),
    Visitor("Lou buys in Paris", "", partial(buy_by_card, tea="Gyokuro", name="Lou Marchand", country="FR", postcode="75012"), width=1440, height=900),
)  # fmt: skip


def visits(count: int) -> list[Visitor]:
    """``count`` visits: the faulty ones mixed with the healthy, then all over again.

    The first twelve are everyone once, so that each fault is met twice.
    """
    everyone: list[Visitor] = []
    for healthy, faulty in zip(
        HEALTHY_VISITS, zip(FAULTY_VISITS[::2], FAULTY_VISITS[1::2], strict=True), strict=True
    ):
        everyone += [*faulty, healthy]
    return [everyone[number % len(everyone)] for number in range(count)]
