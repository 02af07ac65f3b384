"""Pictures: each module has a few kinds, functions over plain values and labels.

Each returns the wide and the narrow SVG, or one that serves both.
`drawing` alone makes SVG, from figures of matplotlib. Which data is drawn, and what is said about
it, belongs to `sections`.
"""
