"""The compiled forms by kind."""

from archcost.models.additive_form import AdditiveForm
from archcost.models.compiled import CellTable, CompiledForm
from archcost.models.gp_form import GPForm
from archcost.models.mlp_form import MLPForm

FORMS: dict[str, type[CompiledForm]] = {
    form.kind: form for form in (AdditiveForm, CellTable, GPForm, MLPForm)
}
"""Every compiled form; a new one is one file and one entry here."""
