"""Statistics of experiments: from sums that the warehouse makes to a decision in words. numpy and scipy, nothing else.

Every function takes arrays of any leading shape: one experiment, its days, or ten thousand simulated ones.
"""
