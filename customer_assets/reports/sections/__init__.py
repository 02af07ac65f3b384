"""What a report says: each module holds the sections on one subject, marked as `section`.

A module in this folder is all that a new section needs; `page` finds it. What sections are made
of is in `content`, what they draw in `charts`. They show, rank and word what tables hold;
nothing is estimated here.
"""
