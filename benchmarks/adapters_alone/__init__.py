"""LoRAs trained by PEFT, compared without their base."""
