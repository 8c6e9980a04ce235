"""``retrospec demo``: a small shop with planted faults, and visitors who meet them."""
