"""Units removed for real: a smaller, ordinary model with the outputs of the silenced one.

unit_flow.py     which units every tensor carries (unit_values.py: and what is known of them)
dependencies.py  which units stand or fall together; groups.py  those as groups, with costs and reasons
plan.py          which units shall go, as a file for one model
surgery.py       the model without them (layer_surgery.py, copies.py); effect.py  what that saves
layer_kinds.py   what surgery knows of each layer; constants.py  what becomes of a silent unit's zero; reshaping.py
"""
