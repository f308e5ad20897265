"""Repair without labels or training, and the rule that is made for it.

repair.py          layer by layer from the input: refit, or BatchNorm statistics taken again
layer_refit.py     one layer, by the least squares of refit.py on the patches.py that its kernel reads
held.py            models run call by call over images that are all held; followers.py  what follows a layer
reconstruction.py  the rule: what the next layers miss after their refit, by elimination.py
"""
