"""How often intervals cover: each kind of statement against a truth that was planted.

`make verify` runs every simulation with a thousand draws and more, and writes what came out to
`docs/evidence.json` and, as a page, to `docs/evidence.md`. The simulations run the product's own
tables and functions; a copy of them here would prove nothing.
"""
