"""What the shop sells."""

import msgspec


class Tea(msgspec.Struct, frozen=True):
    """One of the six; ``tin`` is the colour of its tin."""

    slug: str
    name: str
    family: str
    origin: str
    price: str
    tin: str
    story: str
    water: str
    steep: str


TEAS = (
    Tea(
        "sencha", "Sencha", "green", "Uji hills", "14.50 €", "#5b8c5a",
        "Grassy and bright, with a little salt in it, like a meadow that slopes down to the sea.", "75 °C", "1 min",
    ),
    Tea(
        "gyokuro", "Gyokuro", "green", "Yame valley", "24.00 €", "#2f6b4f",
        "Shaded for three weeks before the harvest. Thick, sweet and quiet. For an afternoon with nothing in it.",
        "55 °C", "2 min",
    ),
    Tea(
        "assam", "Assam", "black", "Brahmaputra plain", "11.00 €", "#8a4b2d",
        "Malt, brown bread and a good strong colour. It takes milk as if it had waited for it.", "100 °C", "4 min",
    ),
    Tea(
        "lapsang-souchong", "Lapsang Souchong", "black", "Wuyi mountains", "13.50 €", "#43352e",
        "Dried over pine fires. Smells of a cabin, tastes of plums. Nobody is neutral about it.", "95 °C", "3 min",
    ),
    Tea(
        "chamomile", "Chamomile", "herbal", "Lower Saxony", "9.00 €", "#d1a13c",
        "Whole flowers and no dust. Apples, honey, hay. For the last quarter of an hour of the day.", "95 °C", "6 min",
    ),
    Tea(
        "lemon-verbena", "Lemon Verbena", "herbal", "Drôme", "9.50 €", "#9aa83b",
        "Long green leaves that smell of lemon peel before the water has even touched them.", "90 °C", "5 min",
    ),
)  # fmt: skip


def tin_svg(tea: Tea) -> str:
    """A drawing of the tea's tin."""
    return (
        f'<svg viewBox="0 0 110 130" role="img" aria-label="A tin of {tea.name}">'
        f'<rect x="16" y="26" width="78" height="98" rx="8" fill="{tea.tin}"/>'
        f'<rect x="12" y="10" width="86" height="22" rx="7" fill="{tea.tin}"/>'
        '<rect x="12" y="10" width="86" height="22" rx="7" fill="#ffffff" opacity="0.22"/>'
        '<rect x="24" y="50" width="62" height="48" rx="5" fill="#fffcf4"/>'
        f'<path d="M42 86c-2-16 10-26 28-26 0 17-11 28-28 26z" fill="{tea.tin}"/>'
        '<path d="M43 86c6-9 13-16 21-21" fill="none" stroke="#fffcf4" stroke-width="2" stroke-linecap="round"/>'
        '<rect x="16" y="26" width="10" height="98" rx="5" fill="#ffffff" opacity="0.12"/></svg>'
    )
