"""Connections cut, and units left: AFCC and what it has to beat.

connections.py       slices of kernels between units; connection_masks.py  which of them stay, as files for one model
afcc.py              those between units with a label in common (unit_labels.py, label_masks.py)
mask_rivals.py       as many cut by other means
masking.py           masks that hold while a model is trained; idle_units.py  units to which they leave no connection
"""
