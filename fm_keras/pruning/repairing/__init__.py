"""Repair without labels or training, and the rule that is made for it.

repair.py          layer by layer from the input: refit, or BatchNorm statistics taken again
both_models.py     the whole and the pruned model side by side, while layers of the latter are repaired
layer_refit.py     one layer, by the least squares of refit.py on the patches.py that its kernel reads
stretch_refit.py   neighboring layers together, by gradients; stretches.py  which these are
held.py            models run call by call over images that are all held; followers.py  what follows a layer
reconstruction.py  the rule: what the next layers miss after their refit, by elimination.py
"""
