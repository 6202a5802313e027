"""An example payout service: verifies Tocsin's attestations and pays each claim once."""
