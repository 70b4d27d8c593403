from __future__ import annotations

from local.personalize.recipes.specs import RECIPES, HyperparameterSpec, RecipeSpec

__all__ = ["RECIPES", "HyperparameterSpec", "RecipeSpec"]
