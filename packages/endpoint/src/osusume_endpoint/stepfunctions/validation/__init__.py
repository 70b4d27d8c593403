"""The rules a definition must satisfy, one module per part of a state."""
