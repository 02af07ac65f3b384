"""What to do for customers and what it would earn: actions and campaigns.

Arithmetic over the tables of segments and models, pure functions. No uplift is claimed anywhere:
without a control group nobody knows who would have bought anyway, so every figure is an expected
response. What is done with it stands in `activation`.
"""
