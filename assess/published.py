"""What Amazon Personalize printed of itself in public, on the one public file that our learner has seen too.

Source: notebooks of aws-samples/amazon-personalize-samples and aws-samples/amazon-personalize-immersion-day (POC in a
box 2020, Media 2024) on MovieLens latest-small, ratings as clicks and watches. Simple baselines: ours, same file.
"""

from __future__ import annotations

AMAZON = (0.32, 0.36)  # NDCG@25, least and most of four runs
OURS = 0.57  # our learner, same file and protocol: no prediction of theirs
SIMPLE = {"popularity": 0.10, "EASE": 0.30, "V-SKNN": 0.36, "Markov": 0.38}
NOISE = 0.09  # of one Amazon run: 53 tested users
