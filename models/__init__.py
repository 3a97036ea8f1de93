"""Cost models: a fitted predictor plus what it is for, saved, loaded and compiled."""

from archcost.models.additive_form import AdditiveForm
from archcost.models.compiled import CompiledForm
from archcost.models.contextual_form import ContextualForm
from archcost.models.cost_model import CostModel
from archcost.models.gp_form import GPForm
from archcost.models.manifest import Manifest
from archcost.models.many_models import predict_many
from archcost.models.mlp_form import MLPForm
from archcost.models.pareto import pareto_front
from archcost.models.posterior_form import PosteriorForm
from archcost.models.store import find_model, manifests, model_keys, user_models_folder
from archcost.models.table_form import TableForm

__all__ = [
    "FORMS",
    "CostModel",
    "Manifest",
    "find_model",
    "manifests",
    "model_keys",
    "pareto_front",
    "predict_many",
    "user_models_folder",
]

FORMS: dict[str, type[CompiledForm]] = {
    form.kind: form
    for form in (AdditiveForm, ContextualForm, GPForm, MLPForm, PosteriorForm, TableForm)
}
"""Every compiled form by kind; a new one is one file and one entry here."""
