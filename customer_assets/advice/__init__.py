"""What to do for customers and what it would earn: actions, campaigns, lists for mailing tools.

Arithmetic over the tables of segments and models; pure functions, but for the two commands that
read what is published (`what_if`, `export`). No uplift is claimed anywhere: without a control
group nobody knows who would have bought anyway, so every figure is an expected response.
"""
