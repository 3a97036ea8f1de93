"""The published networks whose measurement says most about other networks."""

TELLING = (
    "efficientnet_b3@160", "vit_small_patch16", "resnet34", "regnety_032", "mobilenetv2_035@160",
    "shufflenet_v2_x2_0", "efficientnet_b3", "regnetx_032@160", "convnext_small@160",
    "resnext50_32x4d", "mnasnet_050", "shufflenet_v2_x0_5", "regnetx_002", "mixer_s16",
    "wide_resnet50_2@160", "mobilenetv3_small_050@160", "convnext_atto", "mobilenetv2_050",
    "resnet18", "swin_tiny",
)  # fmt: skip
"""What ``archcost.training.network_choice.suggest_networks(20)`` chooses, which takes a second."""
