"""EventBridge Scheduler, and a route by which an operator fires a schedule's target with its real input."""
