"""What is done with advice: what-if under other assumptions, lists for a mailing tool.

Over what readers see of a source. Does not belong here: the arithmetic, which `advice` has.
"""
