"""The compiled forms by kind."""

from archcost.models.additive_form import AdditiveForm
from archcost.models.compiled import CellTable, CompiledForm
from archcost.models.gp_form import GPForm
from archcost.models.mlp_form import MLPForm
from archcost.models.posterior_form import PosteriorForm

FORMS: dict[str, type[CompiledForm]] = {
    form.kind: form for form in (AdditiveForm, CellTable, GPForm, MLPForm, PosteriorForm)
}
"""Every compiled form; a new one is one file and one entry here."""
