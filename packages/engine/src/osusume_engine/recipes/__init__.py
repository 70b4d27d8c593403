from __future__ import annotations

from osusume_engine.recipes.specs import RECIPES, HyperparameterSpec, RecipeSpec

__all__ = ["RECIPES", "HyperparameterSpec", "RecipeSpec"]
