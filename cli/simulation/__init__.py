"""Many orders at once, as a shop's customers would place them."""
