"""The dashboards, said once: QuickSight (quicksight.py) and the static page (page.py) are made of one specification."""
