"""Which units shall go.

rules.py      every rule by name, on the evidence.py that it needs; ask.py  rules of a user's, and files
fields.py     those of training images, for rules that go by fields
targets.py    how much stays; shares.py  of every layer the same; contest.py  units of all layers compete
bundles.py    units with all that must go with them; bundle_scores.py  what they are worth together
choosers.py   which go next: by worth, or greedily (greedy.py); counts.py  what that saves, without surgery
selection.py  rule and target make a plan; plan_table.py  the plan in words
choice.py     a plan for units, or masks for the connections between them
"""
